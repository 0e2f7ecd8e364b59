#!/usr/bin/python3
"""`nanogrid` and its jobs, on a data directory and with a controller:
jobs_cli_test.py NANOGRID NANOGRID_CONTROLLER"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

NANOGRID = CONTROLLER = ""
PLAIN = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8"}
TIMEOUT = 60

HELLO = """
def handler(event, context):
    print("greeting", event["name"])
    return {"greeting": "Hello " + event["name"]}
"""
FILES = """
import os
def handler(event, context):
    output = os.environ["NANOGRID_OUTPUT"]
    os.makedirs(output + "/plots", exist_ok=True)
    for path, text in (("plots/a.txt", "A" * 100_000), ("b.txt", "b")):
        with open(f"{output}/{path}", "w") as file:
            file.write(text)
    os.symlink("/etc/passwd", output + "/passwd")
    return len(os.listdir(output))
"""
SLOW = """
import time
def handler(event, context):
    print("started", flush=True)
    context.report_progress({"half": True})
    time.sleep(event)
    return "slept"
"""
BROKEN = """
def handler(event, context):
    raise ValueError("no luck")
"""


class Controller:
    """A controller on a data directory, at an address of its own."""

    def __init__(self, data, *arguments):
        self.process = subprocess.Popen(
            [CONTROLLER, "--listen", "127.0.0.1:0", "--data", str(data), *arguments],
            env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(line + self.process.stderr.read())
        self.url = line.split()[-1]

    def end(self, how=signal.SIGTERM):
        if self.process.returncode is not None:
            return self.process.returncode
        self.process.send_signal(how)
        status = self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class JobsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.data = self.directory / "data"
        self.env = {"NANOGRID_DATA": str(self.data)}

    def file(self, name, content):
        path = self.directory / name
        path.write_text(content)
        return str(path)

    def nanogrid(self, *arguments, status=0, **env):
        done = subprocess.run([NANOGRID, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, env={**PLAIN, **self.env, **env}, text=True)
        self.assertEqual(done.returncode, status, done)
        return done

    def out(self, *arguments, status=0):
        return self.nanogrid(*arguments, status=status).stdout

    def object(self, *arguments, status=0):
        return json.loads(self.out(*arguments, "--json", status=status))

    def deploy(self, name, code):
        return self.out("deploy", self.file(name + ".py", code))

    def wait_for(self, job, *states):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            found = self.object("jobs", job)
            if found["status"] in states:
                return found
            time.sleep(0.05)
        self.fail(f"{job} is not {states} but {found}")


class Both:
    """What holds on a data directory and with a server."""

    def test_a_function_is_deployed_once_and_listed(self):
        self.assertEqual(self.deploy("hello", HELLO), "hello:1\n")
        self.assertEqual(self.deploy("hello", HELLO), "hello:1\n")
        self.assertEqual(self.deploy("hello", HELLO + "# changed\n"), "hello:2\n")
        self.assertEqual(self.out("functions", "-q"), "hello\n")
        versions = [json.loads(line) for line in
                    self.out("functions", "hello", "--json").splitlines()]
        self.assertEqual([each["version"] for each in versions], [2, 1])
        self.assertEqual(versions[0]["runtime"], "python3")
        self.assertIn("FUNCTION", self.out("functions"))

    def test_settings_arrive(self):
        function = self.object("deploy", self.file("a.py", HELLO), "--memory", "96M",
                               "--timeout", "1m30s", "--env", "A=b=c&d", "--cpus", "0.5",
                               "--handler", "a.handler", "--name", "other")
        self.assertEqual(function["name"], "other")
        self.assertEqual(function["memory"], 96 << 20)
        self.assertEqual(function["timeout"], 90)
        self.assertEqual(function["env"], {"A": "b=c&d"})
        self.assertEqual(function["cpus"], 0.5)

    def test_a_grant_of_the_hosts_network_is_loud(self):
        self.out("deploy", self.file("f.py", "def handler(e, c): return 1"), "--network", "host")
        self.assertIn("DANGEROUS", self.out("doctor"))
        self.assertEqual(self.object("doctor")["host_network"], ["f:1"])
        # Of a server that is not there nothing is known; this machine is looked at all the same.
        nowhere = ["doctor", "--server", "http://127.0.0.1:1"]
        self.assertIn("cannot be looked at", self.out(*nowhere))
        self.assertIsNone(self.object(*nowhere)["host_network"])
        job = self.object("invoke", "f")["job_id"]
        self.assertIn("network=host", self.object("jobs", job)["isolation"])

    def test_a_fresh_function_is_always_cold(self):
        self.out("deploy", self.file("f.py", "def handler(e, c): return 1"), "--fresh")
        self.assertEqual(self.object("functions", "f")["fresh"], True)
        for _ in range(2):
            self.assertEqual(self.object("invoke", "f")["start"], "cold")

    def test_a_function_that_keeps_tenants_apart_wants_to_know_them(self):
        self.out("deploy", self.file("f.py", "def handler(e, c): return 1"), "--per-tenant")
        done = self.nanogrid("invoke", "f", status=2)
        self.assertIn("tenant: missing", done.stderr)
        answer = self.object("invoke", "f", "--tenant", "acme")
        job = self.object("jobs", answer["job_id"])
        self.assertEqual(job["tenant"], "acme")
        self.assertIn("linux", job["isolation"])

    def test_result_files_are_fetched(self):
        self.out("deploy", self.file("files.py", FILES))
        there, again = self.directory / "there", self.directory / "again"
        answer = self.object("invoke", "files", "--output", str(there))
        self.assertEqual((there / "plots" / "a.txt").read_text(), "A" * 100_000)
        self.assertEqual((there / "b.txt").read_text(), "b")
        self.assertEqual(sorted(path.name for path in there.rglob("*")),
                         ["a.txt", "b.txt", "plots"])
        job = self.object("jobs", answer["job_id"])
        self.assertEqual(job["files"], 2)
        self.assertEqual([each["path"] for each in job["refused_files"]], ["passwd"])
        done = self.nanogrid("result", answer["job_id"], "--output", str(again))
        self.assertIn("passwd", done.stderr)
        self.assertEqual((again / "b.txt").read_text(), "b")

    def test_a_link_in_the_output_directory_is_not_followed(self):
        self.out("deploy", self.file("files.py", FILES))
        there = self.directory / "there"
        there.mkdir()
        (there / "plots").symlink_to(self.directory)
        self.nanogrid("invoke", "files", "--output", str(there), status=3)
        self.assertFalse((self.directory / "a.txt").exists())

    def test_a_result_is_printed_and_nothing_else(self):
        self.deploy("hello", HELLO)
        done = self.nanogrid("invoke", "hello", "--event", '{"name": "Ada"}')
        self.assertEqual(json.loads(done.stdout), {"greeting": "Hello Ada"})
        self.assertEqual(done.stderr, "greeting Ada\n")

    def test_an_invocation_is_a_job_that_is_found_again(self):
        self.deploy("hello", HELLO)
        answer = self.object("invoke", "hello", "--event", '{"name": "Ada"}')
        self.assertEqual(answer["status"], "SUCCESS")
        self.assertEqual(answer["logs"], "greeting Ada\n")
        job = answer["job_id"]
        self.assertEqual(self.object("jobs", job)["status"], "SUCCESS")
        self.assertEqual(self.out("jobs", "-q"), job + "\n")
        self.assertEqual(self.out("logs", job), "greeting Ada\n")
        self.assertEqual(json.loads(self.out("result", job)), {"greeting": "Hello Ada"})
        self.assertIn("SUCCESS", self.out("jobs"))
        self.assertIn("hello:1", self.out("jobs", job))
        self.assertEqual(self.out("jobs", "-q", "--status", "failed"), "")
        self.assertEqual(self.out("jobs", "-q", "--function", "other"), "")

    def test_a_failure_is_a_dead_letter_that_can_be_sent_again(self):
        self.deploy("broken", BROKEN)
        answer = self.object("invoke", "broken", "--max-attempts", "2", "--backoff", "10ms",
                             status=1)
        self.assertEqual(answer["ending"], "exception")
        self.assertEqual(answer["error"]["message"], "no luck")
        job = self.object("jobs", answer["job_id"])
        self.assertEqual(job["attempt"], 2)
        self.assertTrue(job["dead_letter"])
        self.assertEqual(self.out("jobs", "--dead", "-q"), answer["job_id"] + "\n")
        self.nanogrid("result", answer["job_id"], status=1)
        again = self.object("retry", answer["job_id"])
        self.assertEqual(again["retry_of"], answer["job_id"])
        self.assertNotEqual(again["job_id"], answer["job_id"])

    def test_a_job_is_tried_as_its_function_was_deployed_unless_it_says_otherwise(self):
        path = self.file("broken.py", BROKEN)
        self.nanogrid("deploy", path, "--max-attempts", "2", "--backoff", "10ms", "--max-age", "1h")
        function = self.object("functions", "broken")
        self.assertEqual([function[name] for name in ("max_attempts", "backoff", "max_age")],
                         [2, 0.01, 3600])
        job = self.object("jobs", self.object("invoke", "broken", status=1)["job_id"])
        self.assertEqual(job["attempt"], 2)
        once = self.object("invoke", "broken", "--max-attempts", "1", status=1)
        job = self.object("jobs", once["job_id"])
        self.assertEqual(job["attempt"], 1)
        self.assertEqual(job["retry"]["backoff"], "10ms")
        self.nanogrid("deploy", path, "--max-attempts", "0", status=2)

    def test_an_idempotency_key_means_one_job(self):
        self.deploy("hello", HELLO)
        submit = ["invoke", "hello", "--async", "--idempotency-key", "order 7", "--delay", "1h"]
        first = self.out(*submit, "--event", '{"name": "Ada"}')
        self.assertEqual(self.out(*submit, "--event", '{"name": "Ada"}'), first)
        self.nanogrid(*submit, "--event", '{"name": "Eve"}', status=2)
        self.assertEqual(self.out("jobs", "-q"), first)

    def test_a_pending_job_is_cancelled_and_never_starts(self):
        self.deploy("hello", HELLO)
        job = self.out("invoke", "hello", "--async", "--delay", "1h").strip()
        self.assertEqual(self.object("jobs", job)["status"], "PENDING")
        self.assertIn("CANCELLED", self.out("cancel", job))
        self.assertEqual(self.object("jobs", job)["attempt"], 0)
        self.nanogrid("result", job, status=130)
        self.assertIn("CANCELLED", self.out("cancel", job))  # stays as it was

    def test_what_is_not_there_is_named(self):
        missing = "00000000-0000-4000-8000-000000000000"
        for arguments in (["jobs", missing], ["logs", missing], ["result", missing],
                          ["cancel", missing], ["retry", missing], ["invoke", "nobody"],
                          ["rm", "nobody"], ["functions", "nobody"]):
            with self.subTest(arguments):
                done = self.nanogrid(*arguments, status=2)
                self.assertIn(arguments[1], done.stderr)
                self.assertEqual(done.stdout, "")

    def test_what_is_wrong_is_named(self):
        self.deploy("hello", HELLO)
        for arguments, word in ((["--event", "{"], "event"), (["--delay", "soon"], "delay"),
                                (["--max-attempts", "0"], "max_attempts")):
            with self.subTest(arguments):
                done = self.nanogrid("invoke", "hello", "--async", *arguments, "--json", status=2)
                self.assertEqual(json.loads(done.stdout)["error"]["field"], word)
        self.nanogrid("jobs", "--status", "LOST", status=2)

    def test_functions_are_removed(self):
        self.deploy("hello", HELLO)
        self.assertEqual(self.out("rm", "hello"), "hello\n")
        self.assertEqual(self.out("functions", "-q"), "")

    def test_bytes_go_through_a_program_as_they_are(self):
        path = self.file("upper.sh", "#!/bin/sh\ntr a-z A-Z\n")
        os.chmod(path, 0o755)
        self.nanogrid("deploy", path)
        self.assertEqual(self.out("invoke", "upper", "--event", "some bytes"), "SOME BYTES")
        self.assertEqual(self.out("invoke", "upper"), "")


class OnServer(Both, JobsTest):
    def setUp(self):
        super().setUp()
        controller = Controller(self.data)
        self.addCleanup(controller.end)
        self.env = {"NANOGRID_SERVER": controller.url}

    def test_a_running_job_is_followed_and_cancelled(self):
        self.deploy("slow", SLOW)
        job = self.out("invoke", "slow", "--async", "--event", "600").strip()
        follow = subprocess.Popen([NANOGRID, "logs", "-f", job], env={**PLAIN, **self.env},
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(follow.stdout.readline(), "started\n")
        self.assertEqual(self.wait_for(job, "PROCESSING")["status"], "PROCESSING")
        self.assertIn("CANCELLED", self.out("cancel", job))
        self.assertEqual(follow.communicate(timeout=TIMEOUT)[0], "")
        self.assertEqual(follow.returncode, 0)

    def test_events_come_in_order(self):
        self.deploy("slow", SLOW)
        job = self.out("invoke", "slow", "--async", "--event", "0.3").strip()
        events = [json.loads(line) for line in
                  self.out("jobs", job, "--watch", "--json").splitlines()]
        states = [event["status"] for event in events]
        self.assertEqual(states[0], "PENDING")
        self.assertEqual(states[-1], "SUCCESS")
        self.assertEqual(set(states[1:-1]), {"PROCESSING"})
        self.assertEqual([event["revision"] for event in events],
                         list(range(1, len(events) + 1)))
        self.assertIn({"half": True}, [event["progress"] for event in events])

    def test_who_interrupts_an_invocation_cancels_it(self):
        self.deploy("slow", SLOW)
        invoke = subprocess.Popen([NANOGRID, "invoke", "slow", "--event", "600"],
                                  env={**PLAIN, **self.env}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(invoke.stderr.readline(), "started\n")
        invoke.send_signal(signal.SIGINT)
        self.assertEqual(invoke.communicate(timeout=TIMEOUT)[0], "")
        self.assertEqual(invoke.returncode, 130)
        self.assertEqual(self.object("jobs", self.out("jobs", "-q").strip())["status"], "CANCELLED")

    def test_a_server_that_is_not_there_is_named(self):
        done = self.nanogrid("jobs", "--server", "http://127.0.0.1:1", status=3)
        self.assertIn("127.0.0.1:1", done.stderr)
        self.nanogrid("jobs", "--server", "ftp://x", status=2)


class OnData(Both, JobsTest):
    def test_jobs_wait_for_a_controller(self):
        self.deploy("hello", HELLO)
        done = self.nanogrid("invoke", "hello", "--async", "--event", '{"name": "Ada"}')
        self.assertIn("nanogrid-controller --data", done.stderr)
        job = done.stdout.strip()
        self.assertEqual(self.object("jobs", job)["status"], "PENDING")
        controller = Controller(self.data)
        self.addCleanup(controller.end)
        self.wait_for(job, "SUCCESS")
        # Now the controller runs what is asked for here.
        answer = self.object("invoke", "hello", "--event", '{"name": "Eve"}')
        self.assertEqual(answer["result"], {"greeting": "Hello Eve"})

    def test_a_data_directory_belongs_to_its_owner_alone(self):
        self.deploy("hello", HELLO)
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)

    def test_one_controller_holds_a_directory(self):
        controller = Controller(self.data)
        self.addCleanup(controller.end)
        second = subprocess.run([CONTROLLER, "--listen", "127.0.0.1:0", "--data", str(self.data)],
                                env=PLAIN, capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(second.returncode, 3, second)
        self.assertIn(str(self.data), second.stderr)

    def test_jobs_of_a_killed_controller_are_done_by_the_next(self):
        self.deploy("slow", SLOW)
        first = Controller(self.data)
        self.addCleanup(first.end, signal.SIGKILL)
        jobs = [self.out("invoke", "slow", "--async", "--event", "0.5").strip() for _ in range(8)]
        self.wait_for(jobs[0], "PROCESSING", "SUCCESS")
        first.end(signal.SIGKILL)
        second = Controller(self.data)
        self.addCleanup(second.end)
        for job in jobs:
            self.wait_for(job, "SUCCESS")
            events = [json.loads(line) for line in
                      self.out("jobs", job, "--watch", "--json").splitlines()]
            self.assertEqual([event["status"] for event in events].count("SUCCESS"), 1)


class WithToken(JobsTest):
    def test_a_token_opens_and_its_absence_does_not(self):
        tokens = self.file("tokens", "0123456789abcdef-secret\n")
        os.chmod(tokens, 0o600)
        controller = Controller(self.data, "--token-file", tokens)
        self.addCleanup(controller.end)
        self.env = {"NANOGRID_SERVER": controller.url}
        refused = self.nanogrid("jobs", status=2)
        self.assertNotIn("secret", refused.stderr)
        self.nanogrid("jobs", NANOGRID_TOKEN_FILE=tokens)
        self.nanogrid("jobs", "--token-file", tokens)
        wrong = self.file("wrong", "0123456789abcdef-other\n")
        os.chmod(wrong, 0o600)
        self.nanogrid("jobs", "--token-file", wrong, status=2)


class Completion(JobsTest):
    def complete(self, *words):
        script = self.out("completion", "bash") + f"""
COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}
_nanogrid; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        env = {**PLAIN, **self.env, "PATH": f"{pathlib.Path(NANOGRID).parent}:/usr/bin:/bin"}
        return subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True,
                              timeout=TIMEOUT, check=True).stdout.split()

    def test_bash_completes_commands_and_functions(self):
        self.deploy("hello", HELLO)
        self.assertIn("deploy", self.complete("nanogrid"))
        self.assertEqual(self.complete("nanogrid", "invoke"), ["hello"])

    def test_every_shell_has_a_script(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("nanogrid", self.out("completion", shell))
        self.nanogrid("completion", "csh", status=2)


if __name__ == "__main__":
    NANOGRID, CONTROLLER = (str(pathlib.Path(each).resolve()) for each in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
