#!/usr/bin/python3
"""Two controllers and two workers on one set of stores:
fleet_test.py NANOGRID NANOGRID_CONTROLLER NANOGRID_WORKER"""
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

NANOGRID = CONTROLLER = WORKER = ""
PLAIN = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8"}
TIMEOUT = 60

WAIT = """
import time
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return "done"
"""


class Daemon:
    """A program that prints lines when it is ready."""

    def __init__(self, program, *arguments, lines=1, env=None):
        self.process = subprocess.Popen([program, *arguments], env={**PLAIN, **(env or {})},
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = [self.process.stdout.readline() for _ in range(lines)]
        if not self.lines[-1]:
            raise RuntimeError(self.process.stderr.read())
        self.url = next((line.split()[-1] for line in self.lines if "http://" in line), None)

    def signal(self, how):
        self.process.send_signal(how)

    def wait(self):
        """The exit status and what it said meanwhile."""
        _, said = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, said

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.process.stderr.close()


def get(url, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(url + path, timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class FleetTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.config = self.write("fleet.toml", f"""
            queue = "sqlite:{self.directory}/fleet.db"
            jobs = "sqlite:{self.directory}/fleet.db"
            catalog = "sqlite:{self.directory}/fleet.db"
            objects = "file://{self.directory}/code"
            user_data = "file://{self.directory}/user-data"
            lease = "2s"
            listen = "127.0.0.1:0"
            status_listen = "127.0.0.1:0"
            worker = false
            slots = 2
        """)

    def write(self, name, content):
        path = self.directory / name
        path.write_text(content)
        path.chmod(0o600)
        return str(path)

    def controller(self, *arguments, **env):
        daemon = Daemon(CONTROLLER, "--config", self.config, *arguments, env=env)
        self.addCleanup(daemon.end)
        return daemon

    def worker(self, *arguments, **env):
        daemon = Daemon(WORKER, "--config", self.config, *arguments, lines=2, env=env)
        self.addCleanup(daemon.end)
        return daemon

    def nanogrid(self, controller, *arguments, status=0):
        done = subprocess.run([NANOGRID, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, text=True,
                              env={**PLAIN, "NANOGRID_SERVER": controller.url})
        self.assertEqual(done.returncode, status, done)
        return done.stdout

    def deploy(self, controller):
        self.nanogrid(controller, "deploy", self.write("wait.py", WAIT))

    def submit(self, controller, **event):
        return self.nanogrid(controller, "invoke", "wait", "--async", "--event",
                             json.dumps(event)).strip()

    def job(self, controller, job):
        return json.loads(self.nanogrid(controller, "jobs", job, "--json"))

    def wait_for(self, controller, job, *states):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            found = self.job(controller, job)
            if found["status"] in states:
                return found
            time.sleep(0.05)
        self.fail(f"{job} is not {states} but {found}")

    def wait_until(self, what, condition):
        end = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)


class TogetherTest(FleetTest):
    def test_a_job_is_submitted_to_one_controller_and_awaited_at_the_other(self):
        left, right = self.controller(), self.controller()
        self.worker("--name", "first")
        self.worker("--name", "second")
        self.deploy(left)
        jobs = [self.submit(left, seconds=0.1) for _ in range(8)]
        found = [self.wait_for(right, job, "SUCCESS") for job in jobs]
        self.assertEqual({each["attempt"] for each in found}, {1})
        self.assertLessEqual({each["worker"] for each in found}, {"first", "second"})
        self.assertEqual(json.loads(self.nanogrid(right, "result", jobs[0])), "done")

    def test_who_loses_its_controller_finds_the_job_at_another(self):
        left, right = self.controller(), self.controller()
        self.worker()
        self.deploy(left)
        job = self.submit(left, seconds=1)
        self.wait_for(left, job, "PROCESSING", "SUCCESS")
        left.signal(signal.SIGKILL)
        left.process.wait(TIMEOUT)
        self.assertEqual(self.wait_for(right, job, "SUCCESS")["attempt"], 1)

    def test_jobs_of_a_killed_worker_are_done_by_the_other(self):
        controller = self.controller()
        first = self.worker("--name", "first")
        self.deploy(controller)
        job = self.submit(controller, seconds=2)
        self.wait_for(controller, job, "PROCESSING")
        first.signal(signal.SIGKILL)
        self.worker("--name", "second")
        found = self.wait_for(controller, job, "SUCCESS")
        self.assertEqual((found["worker"], found["attempt"]), ("second", 2))

    def test_user_data_lies_apart_from_code(self):
        controller = self.controller()
        self.worker()
        code = """
import os
def handler(event, context):
    with open(os.environ["NANOGRID_OUTPUT"] + "/a.txt", "w") as file:
        file.write("A")
"""
        self.nanogrid(controller, "deploy", self.write("files.py", code))
        there = self.directory / "there"
        self.nanogrid(controller, "invoke", "files", "--output", str(there))
        self.assertEqual((there / "a.txt").read_text(), "A")
        def stored(name):
            return [path for path in (self.directory / name).rglob("*a.txt*")]
        self.assertTrue(stored("user-data"))
        self.assertFalse(stored("code"))


class ModelTest(FleetTest):
    CODE = """
import os
def handler(event, context):
    return os.environ.get("AI_ENDPOINT")
"""

    def asked(self, controller, *settings):
        self.nanogrid(controller, "deploy", self.write("model.py", self.CODE), *settings)
        return json.loads(self.nanogrid(controller, "invoke", "model"))

    def test_functions_with_the_network_find_the_language_model(self):
        controller = self.controller()
        self.worker(AI_ENDPOINT="http://10.0.1.9:11434")
        self.assertIsNone(self.asked(controller))
        self.assertEqual(self.asked(controller, "--network", "host"), "http://10.0.1.9:11434")
        self.assertEqual(self.asked(controller, "--network", "host", "--env",
                                    "AI_ENDPOINT=http://own"), "http://own")


class RedisTest(FleetTest):
    """Messages and records on another machine, as far as the programs can tell."""

    def setUp(self):
        super().setUp()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.redis = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
             "--dir", str(self.directory), "--requirepass", "hidden-password"],
            stdout=subprocess.DEVNULL)
        self.addCleanup(self.end_redis)
        self.wait_until("redis-server listens", lambda: self.listens(port))
        password = self.write("redis-password", "hidden-password\n")
        text = pathlib.Path(self.config).read_text()
        for name in ("queue", "jobs"):
            text = text.replace(f'{name} = "sqlite:{self.directory}/fleet.db"',
                                f'{name} = "redis://127.0.0.1:{port}?timeout=1s"')
        self.config = self.write("redis.toml", text + f'redis.password_file = "{password}"\n')

    @staticmethod
    def listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def end_redis(self):
        self.redis.kill()
        self.redis.wait(TIMEOUT)

    def test_two_controllers_and_two_workers_share_its_jobs(self):
        left, right = self.controller(), self.controller()
        self.worker("--name", "first")
        self.worker("--name", "second")
        self.deploy(left)
        jobs = [self.submit(left, seconds=0.1) for _ in range(8)]
        found = [self.wait_for(right, job, "SUCCESS") for job in jobs]
        self.assertEqual({each["attempt"] for each in found}, {1})
        self.assertEqual(json.loads(self.nanogrid(right, "invoke", "wait", "--event", "{}")),
                         "done")

    def test_health_says_when_it_dies(self):
        controller, worker = self.controller(), self.worker()
        self.assertEqual(get(controller.url, "/health")[0], 200)
        self.end_redis()
        self.wait_until("/health is 503", lambda: get(controller.url, "/health")[0] == 503)
        answer = json.loads(get(controller.url, "/health")[1])
        self.assertEqual(answer["down"], ["queue", "jobs"])
        self.assertEqual(get(controller.url, "/health/live")[0], 200)
        self.assertEqual(get(worker.url, "/ready")[0], 503)
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait()[0], 0)
        controller.signal(signal.SIGTERM)
        status, said = controller.wait()
        self.assertEqual(status, 0, said)
        self.assertNotIn("hidden-password", said)


class MirrorTest(FleetTest):
    def verify(self, *arguments, status):
        done = subprocess.run([NANOGRID, "storage", "verify", "--config", self.config, "--json",
                               *arguments], env=PLAIN, capture_output=True, text=True,
                              timeout=TIMEOUT)
        self.assertEqual(done.returncode, status, done)
        return json.loads(done.stdout)

    def test_a_second_store_gets_everything_and_is_repaired(self):
        copies = self.directory / "copies"
        text = pathlib.Path(self.config).read_text()
        self.config = self.write("mirror.toml", text + f'''
            mirror = "file://{copies}"
            outbox = "{self.directory}/outbox"
        ''')
        controller, worker = self.controller(), self.worker()
        self.deploy(controller)
        job = self.submit(controller)
        self.wait_for(controller, job, "SUCCESS")
        self.wait_for(controller, self.submit(controller, seconds="no number"), "FAILED")
        for daemon in (controller, worker):
            self.wait_until("the copies are there", lambda: "nanogrid_mirror_pending 0\n" in
                            get(daemon.url, "/metrics")[1])
        self.assertTrue(self.verify(status=0)["equal"])
        contents = {str(path): path.read_bytes() for path in copies.rglob("*") if path.is_file()}
        self.assertEqual([contents[path] for path in contents if job in path], [b'"done"'])
        self.assertTrue([path for path in contents if WAIT.encode() in contents[path]], contents)
        self.assertEqual(json.loads(self.nanogrid(controller, "result", job)), "done")
        copied = [path for path in copies.rglob("*") if path.is_file()]
        self.assertTrue(copied)
        copied[0].unlink()
        self.assertEqual(self.verify(status=3)["only_primary"], 1)
        self.assertEqual(self.verify("--repair", status=0)["repaired"], 1)
        self.assertTrue(self.verify(status=0)["equal"])


class DrainTest(FleetTest):
    def test_a_worker_finishes_what_runs_and_takes_nothing_new(self):
        controller, worker = self.controller(), self.worker()
        self.deploy(controller)
        job = self.submit(controller, seconds=2)
        self.wait_for(controller, job, "PROCESSING")
        worker.signal(signal.SIGTERM)
        self.wait_until("it says that it is not ready",
                        lambda: get(worker.url, "/ready")[0] == 503)
        self.assertEqual(get(worker.url, "/health")[0], 200)
        late = self.submit(controller)
        status, said = worker.wait()
        self.assertEqual(status, 0, said)
        self.assertIn("ends when its jobs have", said)
        found = self.job(controller, job)
        self.assertEqual((found["status"], found["attempt"]), ("SUCCESS", 1))
        self.assertEqual(self.job(controller, late)["status"], "PENDING")

    def test_what_still_runs_when_the_time_is_up_goes_back_to_the_queue(self):
        controller, worker = self.controller(), self.worker("--drain", "0s")
        self.deploy(controller)
        job = self.submit(controller, seconds=30)
        self.wait_for(controller, job, "PROCESSING")
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait()[0], 0)
        self.assertEqual(self.job(controller, job)["status"], "PENDING")

    def test_a_second_signal_hands_jobs_back_at_once(self):
        controller, worker = self.controller(), self.worker()
        self.deploy(controller)
        job = self.submit(controller, seconds=30)
        self.wait_for(controller, job, "PROCESSING")
        worker.signal(signal.SIGTERM)
        self.wait_until("it drains", lambda: get(worker.url, "/ready")[0] == 503)
        worker.signal(signal.SIGINT)
        self.assertEqual(worker.wait()[0], 0)
        self.assertEqual(self.job(controller, job)["status"], "PENDING")


class Instance(http.server.BaseHTTPRequestHandler):
    """The metadata of an EC2 instance that may be interrupted."""

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        self.answer(200, "token")

    def do_GET(self):
        known = {"/latest/meta-data/instance-id": "i-0123456789abcdef0"}
        if self.server.goes:
            known["/latest/meta-data/spot/instance-action"] = '{"action": "terminate"}'
        self.answer(200 if self.path in known else 404, known.get(self.path, ""))

    def log_message(self, *_):
        pass


class NoticeTest(FleetTest):
    def test_a_worker_drains_when_its_machine_goes_away(self):
        metadata = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Instance)
        metadata.goes = False
        thread = threading.Thread(target=metadata.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(metadata.server_close)
        self.addCleanup(metadata.shutdown)
        controller = self.controller()
        worker = self.worker(
            "--notice", "aws", AWS_REGION="eu-west-1",
            AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{metadata.server_port}")
        self.deploy(controller)
        job = self.submit(controller, seconds=1)
        self.wait_for(controller, job, "PROCESSING", "SUCCESS")
        metadata.goes = True
        status, said = worker.wait()
        self.assertEqual(status, 0, said)
        self.assertIn("this machine goes away, spot: terminate", said)
        found = self.job(controller, job)
        self.assertEqual((found["status"], found["attempt"]), ("SUCCESS", 1))
        self.assertIn("i-0123456789abcdef0", found["worker"])

    def test_who_runs_on_no_instance_is_told(self):
        done = subprocess.run([WORKER, "--config", self.config, "--notice", "aws"],
                              env={**PLAIN, "AWS_EC2_METADATA_DISABLED": "true",
                                   "AWS_REGION": "eu-west-1"},
                              capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("notice aws: ", done.stderr)


class HealthTest(FleetTest):
    def test_health_says_which_part_is_down_and_that_the_process_lives(self):
        controller, worker = self.controller(), self.worker()
        status, body = get(controller.url, "/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertEqual(set(json.loads(body)["parts"]),
                         {"queue", "jobs", "catalog", "objects", "user_data"})
        self.assertEqual(get(worker.url, "/ready")[0], 200)
        # Where the directory of jobs' objects would be: a link, which no store follows.
        link = self.directory / "user-data" / "jobs%"
        link.symlink_to(link)
        self.wait_until("/health is 503", lambda: get(controller.url, "/health")[0] == 503)
        answer = json.loads(get(controller.url, "/health")[1])
        self.assertEqual((answer["status"], answer["down"]), ("down", ["user_data"]))
        self.assertEqual(answer["parts"]["queue"], "OK")
        self.assertEqual(get(controller.url, "/health/live")[0], 200)
        self.assertIn('nanogrid_dependency_up{part="user_data"} 0',
                      get(controller.url, "/metrics")[1])
        self.wait_until("/ready is 503", lambda: get(worker.url, "/ready")[0] == 503)
        self.assertEqual(get(worker.url, "/health")[0], 200)
        self.assertEqual(get(worker.url, "/health/live")[0], 200)
        link.unlink()
        self.wait_until("/health is 200", lambda: get(controller.url, "/health")[0] == 200)

    def test_a_worker_shows_its_numbers_and_nothing_else(self):
        worker = self.worker()
        metrics = get(worker.url, "/metrics")[1]
        self.assertIn("nanogrid_worker_slots 2", metrics)
        self.assertIn('nanogrid_instances{state="running"} 0', metrics)
        self.assertEqual(get(worker.url, "/v1/jobs")[0], 404)


class BackPressureTest(FleetTest):
    def test_submits_beyond_the_backlog_are_refused_until_there_is_room(self):
        controller = self.controller("--max-backlog", "3")
        self.deploy(controller)
        jobs = [self.submit(controller) for _ in range(3)]
        request = urllib.request.Request(controller.url + "/v1/functions/wait/jobs", data=b"{}")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=TIMEOUT)
        with refused.exception as answer:
            self.assertEqual(answer.code, 429)
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertIn("max_backlog is 3", json.loads(answer.read())["error"]["message"])
        self.assertIn("nanogrid_jobs_refused_total 1\n", get(controller.url, "/metrics")[1])
        self.worker()
        for job in jobs:
            self.wait_for(controller, job, "SUCCESS")

        def accepted():
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                    return answer.status == 202
            except urllib.error.HTTPError as error:
                with error:
                    return False
        self.wait_until("a job is taken again", accepted)


class DoctorTest(FleetTest):
    def doctor(self, config):
        done = subprocess.run([NANOGRID, "doctor", "--config", config, "--json"],
                              env={**PLAIN, "NANOGRID_REDIS_PASSWORD": "hidden"},
                              capture_output=True, text=True, timeout=TIMEOUT)
        self.assertNotIn("hidden", done.stdout + done.stderr)
        return done.returncode, json.loads(done.stdout)["fleet"]

    def test_every_part_that_answers_is_told(self):
        status, parts = self.doctor(self.config)
        self.assertEqual([part["setting"] for part in parts],
                         ["queue", "jobs", "catalog", "objects", "user_data"])
        self.assertEqual({part["ok"] for part in parts}, {True})
        self.assertEqual(status, 0)

    def test_what_does_not_answer_is_told_with_the_fix(self):
        text = pathlib.Path(self.config).read_text()
        broken = self.write("broken.toml", text.replace(
            f'jobs = "sqlite:{self.directory}/fleet.db"',
            'jobs = "redis://127.0.0.1:1?timeout=1s"').replace(
            f'catalog = "sqlite:{self.directory}/fleet.db"', 'catalog = "fax://host"'))
        status, parts = self.doctor(broken)
        wrong = {part["setting"]: part for part in parts if not part["ok"]}
        self.assertEqual(set(wrong), {"jobs", "catalog"})
        self.assertIn("127.0.0.1:1", wrong["jobs"]["detail"])
        self.assertTrue(wrong["jobs"]["fix"])
        self.assertIn("'fax:' is not in this build", wrong["catalog"]["detail"])
        self.assertEqual(status, 3)

    def test_a_wrong_file_is_told(self):
        status, fleet = self.doctor(self.write("wrong.toml", "slots = 'many'"))
        self.assertIn("slots 'many': must be a whole number", fleet["error"])
        self.assertEqual(status, 3)


class StartTest(FleetTest):
    def run_daemon(self, program, *arguments, **env):
        return subprocess.run([program, *arguments], env={**PLAIN, **env}, capture_output=True,
                              text=True, timeout=TIMEOUT)

    def test_the_configuration_is_printed_with_its_sources(self):
        for program in (CONTROLLER, WORKER):
            done = self.run_daemon(program, "--config", self.config, "--print-config", "--slots",
                                   "5", NANOGRID_REDIS_PASSWORD="hidden", NANOGRID_LEASE="3s")
            self.assertEqual(done.returncode, 0, done)
            self.assertRegex(done.stdout, r"(?m)^slots = 5 +# --slots$")
            self.assertRegex(done.stdout, r'(?m)^lease = "3s" +# NANOGRID_LEASE$')
            self.assertRegex(done.stdout, rf"(?m)^queue = .* # {self.config}:2$")
            self.assertNotIn("hidden", done.stdout + done.stderr)
        done = self.run_daemon(WORKER, "--config", self.config, "--print-config", "--json")
        self.assertEqual(json.loads(done.stdout)["slots"],
                         {"value": 2, "source": f"{self.config}:11"})

    def test_what_is_wrong_is_named_before_anything_starts(self):
        wrong = self.write("wrong.toml", 'queu = "memory:"\n')
        for program in (CONTROLLER, WORKER):
            done = self.run_daemon(program, "--config", wrong)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(f"{wrong}:1: 'queu' is not a setting; did you mean 'queue'?", done.stderr)
            done = self.run_daemon(program, "--config", self.config, "--queue", "fax://host")
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("queue 'fax://host': 'fax:' is not in this build", done.stderr)
            done = self.run_daemon(program, "--config", self.config, "--slot", "5")
            self.assertEqual(done.returncode, 2, done)

    def test_nothing_is_kept_where_nothing_need_be(self):
        home = self.directory / "home"
        home.mkdir()
        self.controller(HOME=str(home))
        self.worker(HOME=str(home))
        self.assertEqual(list(home.iterdir()), [])

    def test_a_worker_works_beside_a_controller_on_its_directory(self):
        data = str(self.directory / "data")
        controller = Daemon(CONTROLLER, "--data", data, "--no-worker", "--listen", "127.0.0.1:0")
        self.addCleanup(controller.end)
        worker = Daemon(WORKER, "--data", data)
        self.addCleanup(worker.end)
        self.deploy(controller)
        self.wait_for(controller, self.submit(controller), "SUCCESS")

    def test_the_service_manager_is_told(self):
        path = str(self.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(TIMEOUT)
            worker = self.worker(NOTIFY_SOCKET=path)
            self.assertEqual(manager.recv(100), b"READY=1")
            worker.signal(signal.SIGTERM)
            self.assertEqual(manager.recv(100), b"STOPPING=1")
            self.assertEqual(worker.wait()[0], 0)


if __name__ == "__main__":
    NANOGRID, CONTROLLER, WORKER = (str(pathlib.Path(each).resolve()) for each in sys.argv[1:4])
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=1)
