#!/usr/bin/python3
"""A fleet on doubles of two clouds: fleet_clouds_test.py NANOGRID CONTROLLER WORKER
NANOGRID_TEST_MOTO is the directory of tests/aws/service_double.sh."""
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest
import urllib.parse
import urllib.request
import uuid

import fleet_test
from fleet_test import PLAIN, TIMEOUT, FleetTest, get

FAKE_GCS = pathlib.Path(__file__).resolve().parent.parent / "gcp/fake_gcs.py"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true"}

NOTHING = """
def handler(event, context):
    return event
"""


def moto_url():
    place = pathlib.Path(os.environ["NANOGRID_TEST_MOTO"])
    if (place / "unavailable").exists():
        raise RuntimeError((place / "unavailable").read_text())
    return (place / "url").read_text().strip()


class Moto:
    """Calls without a signature that anybody checked."""

    def __init__(self, url):
        self.url = url

    def send(self, service, headers, body):
        scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
        request = urllib.request.Request(self.url, data=body.encode(), headers={
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0", **headers})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read().decode()

    def json(self, service, action, **fields):
        targets = {"sqs": "AmazonSQS", "secretsmanager": "secretsmanager"}
        return json.loads(self.send(service, {
            "X-Amz-Target": f"{targets[service]}.{action}",
            "Content-Type": "application/x-amz-json-1.0"}, json.dumps(fields)))

    def query(self, action, **fields):
        body = urllib.parse.urlencode({"Action": action, "Version": "2011-01-01", **fields})
        return self.send("autoscaling", {"Content-Type": "application/x-www-form-urlencoded"}, body)

    def group(self, name, size):
        """Instances' ids."""
        self.query("CreateLaunchConfiguration", LaunchConfigurationName=name,
                   ImageId="ami-12c6146b", InstanceType="t2.micro")
        self.query("CreateAutoScalingGroup", **{
            "AutoScalingGroupName": name, "LaunchConfigurationName": name, "MinSize": "1",
            "MaxSize": "5", "DesiredCapacity": str(size),
            "AvailabilityZones.member.1": "us-east-1a"})
        return list(self.instances(name))

    def instances(self, name):
        """Whether each is protected."""
        text = self.query("DescribeAutoScalingGroups", **{"AutoScalingGroupNames.member.1": name})
        ids = re.findall(r"<InstanceId>([^<]*)", text)
        marks = re.findall(r"<ProtectedFromScaleIn>([^<]*)", text)
        return {each: mark == "true" for each, mark in zip(ids, marks)}


class Between(http.server.BaseHTTPRequestHandler):
    """Passes calls of AWS's on, counts them, and refuses those that the test names."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        action = target or urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
        with self.server.lock:
            self.server.calls[action] += 1
        if action in self.server.refused:
            return self.reply(400, "text/xml", b"<ErrorResponse><Error><Code>ValidationError</Code>"
                              b"<Message>The instance is not in InService</Message></Error>"
                              b"</ErrorResponse>")
        connection = getattr(self.server.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.server.behind, timeout=TIMEOUT)
            self.server.local.connection = connection
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if action == "ReceiveMessage":
            with self.server.lock:
                self.server.brought.append(len(json.loads(content).get("Messages", [])))
        self.reply(answer.status, answer.headers.get("Content-Type", ""), content)

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # of a daemon that has ended
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class CloudTest(FleetTest):
    def setUp(self):
        super().setUp()
        self.moto = Moto(moto_url())

    def serve(self, handler, **attributes):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        for name, value in attributes.items():
            setattr(server, name, value)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"http://127.0.0.1:{server.server_port}"

    def between(self, refused=()):
        return self.serve(Between, behind=self.moto.url.removeprefix("http://"),
                          lock=threading.Lock(), local=threading.local(),
                          calls=collections.Counter(), brought=[], refused=set(refused))

    def configure(self, **settings):
        text = pathlib.Path(self.config).read_text()
        for name, value in settings.items():
            name = name.replace("__", ".")
            text = re.sub(rf"(?m)^\s*{name} = .*\n", "", text) + f'{name} = "{value}"\n'
        self.config = self.write("clouds.toml", text)


class ArchiveTest(CloudTest):
    """The key of the second cloud's account is a secret of the first cloud."""

    def start_gcs(self):
        gcs = subprocess.Popen([sys.executable, FAKE_GCS], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        self.addCleanup(gcs.stdout.close)
        self.addCleanup(gcs.wait, TIMEOUT)
        self.addCleanup(gcs.stdin.close)
        return f"http://127.0.0.1:{int(gcs.stdout.readline())}"

    def account(self, gcs):
        """A service account that the fake knows, as the JSON that Google hands out."""
        key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True,
                             check=True).stdout
        modulus = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=key, text=True,
                                 capture_output=True, check=True).stdout
        email = "robot@project.iam.gserviceaccount.com"
        self.control(gcs, "require_token", modulus=modulus.strip().partition("=")[2],
                     exponent=65537, email=email)
        return json.dumps({"type": "service_account", "client_email": email, "private_key": key,
                           "private_key_id": "1", "token_uri": gcs + "/token"})

    @staticmethod
    def control(gcs, what, **fields):
        request = urllib.request.Request(f"{gcs}/_fake/{what}", json.dumps(fields).encode())
        urllib.request.urlopen(request, timeout=TIMEOUT).close()

    @staticmethod
    def ask(gcs, target, headers):
        request = urllib.request.Request(gcs + target, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read()

    def archived(self, gcs):
        """Names and contents."""
        token = json.loads(self.ask(
            gcs, "/computeMetadata/v1/instance/service-accounts/default/token",
            {"Metadata-Flavor": "Google"}))["access_token"]
        allowed = {"Authorization": f"Bearer {token}"}
        listing = json.loads(self.ask(gcs, "/storage/v1/b/bucket/o", allowed))
        return {each["name"]: self.ask(gcs, "/storage/v1/b/bucket/o/" + urllib.parse.quote(
            each["name"], safe="") + "?alt=media", allowed) for each in listing.get("items", [])}

    def test_code_and_result_of_a_success_are_in_the_second_cloud(self):
        gcs = self.start_gcs()
        name = f"nanogrid/gcp-{uuid.uuid4()}"
        self.moto.json("secretsmanager", "CreateSecret", Name=name, SecretString=self.account(gcs),
                       ClientRequestToken=str(uuid.uuid4()))
        self.configure(mirror=f"gs://bucket?endpoint={gcs}", outbox=f"{self.directory}/outbox",
                       secrets=f"secretsmanager:?endpoint={self.moto.url}",
                       gcp__credentials_secret=name)
        controller, worker = self.controller(**KEYS), self.worker(**KEYS)
        code = 'def handler(event, context):\n    return {"answer": 42}\n'
        self.nanogrid(controller, "deploy", self.write("answer.py", code))
        job = self.nanogrid(controller, "invoke", "answer", "--async").strip()
        self.wait_for(controller, job, "SUCCESS")
        for daemon in (controller, worker):
            self.wait_until("all is copied", lambda: "nanogrid_mirror_pending 0\n" in
                            get(daemon.url, "/metrics")[1])
        stored = self.archived(gcs)
        self.assertEqual([json.loads(stored[each]) for each in stored if f"jobs/{job}/" in each],
                         [{"answer": 42}])
        self.assertTrue([each for each in stored if code.encode() in stored[each]], stored.keys())
        self.assertEqual(json.loads(self.nanogrid(controller, "result", job)), {"answer": 42})
        done = subprocess.run([fleet_test.NANOGRID, "storage", "verify", "--config", self.config,
                               "--json"], env={**PLAIN, **KEYS}, capture_output=True, text=True,
                              timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(json.loads(done.stdout)["equal"])
        self.assertNotIn("PRIVATE", pathlib.Path(self.config).read_text() + done.stdout)


class SqsTest(CloudTest):
    JOBS = 500

    def submit_all(self, controller):
        connection = http.client.HTTPConnection(controller.url.removeprefix("http://"))
        for number in range(self.JOBS):
            connection.request("POST", "/v1/functions/nothing/jobs", str(number))
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 202)
        connection.close()

    def waiting(self, queue):
        attributes = self.moto.json("sqs", "GetQueueAttributes", AttributeNames=["All"],
                                    QueueUrl=f"{self.moto.url}/123456789012/{queue}")["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    def ended(self, worker):
        return int(re.search(r"(?m)^nanogrid_worker_attempts_total (\d+)$",
                             get(worker.url, "/metrics")[1])[1])

    def calls_of_all_jobs(self):
        """From a queue that has all jobs before the first is worked off."""
        server, url = self.between()
        queue = f"tasks-{uuid.uuid4()}"
        self.moto.json("sqs", "CreateQueue", QueueName=queue)
        self.configure(queue=f"sqs:{queue}?endpoint={url}&wait=2s")
        controller = self.controller(**KEYS)
        self.nanogrid(controller, "deploy", self.write("nothing.py", NOTHING))
        self.submit_all(controller)
        self.wait_until("all are sent", lambda: self.waiting(queue) >= self.JOBS)
        worker = self.worker("--slots", "4", **KEYS)
        self.wait_until("all have ended", lambda: self.ended(worker) >= self.JOBS)
        for daemon in (worker, controller):
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait()[0], 0)
        with server.lock:
            # Polls that wait for what does not come are not those of a queue under load.
            return {**server.calls, "ReceiveMessage": sum(count > 0 for count in server.brought)}

    def test_under_load_a_message_costs_a_fifth_of_a_call_to_receive_and_delete(self):
        calls = self.calls_of_all_jobs()
        sent, received = (
            sum(count for name, count in calls.items() if name.startswith(names)) / self.JOBS
            for names in ("SendMessage", ("ReceiveMessage", "DeleteMessage",
                                          "ChangeMessageVisibility")))
        print(f"{self.JOBS} jobs: {calls}: {received:.3f} calls each to receive and delete, "
              f"{sent:.3f} to send", file=sys.stderr)
        self.assertLessEqual(received, 0.21, calls)


class Instance(http.server.BaseHTTPRequestHandler):
    """The metadata of an EC2 instance that stays."""

    def do_PUT(self):
        self.answer(200, "token")

    def do_GET(self):
        is_id = self.path == "/latest/meta-data/instance-id"
        self.answer(200 if is_id else 404, self.server.id if is_id else "")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class ScaleInTest(CloudTest):
    def start(self, instance, group, endpoint):
        _, metadata = self.serve(Instance, id=instance)
        return self.worker("--notice", "aws", "--scaling-asg-name", group, **{
            **KEYS, "AWS_EC2_METADATA_DISABLED": "false", "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata})

    def test_a_worker_is_protected_while_it_runs_a_job_and_begins_none_otherwise(self):
        group = f"workers-{uuid.uuid4()}"
        staying, leaving = self.moto.group(group, 2)
        server, refusing = self.between(refused=["SetInstanceProtection"])
        controller = self.controller()
        self.deploy(controller)
        self.start(leaving, group, refusing)
        job = self.submit(controller, seconds=3)
        self.wait_until("it is asked", lambda: server.calls["SetInstanceProtection"] >= 2)
        self.assertEqual(self.job(controller, job)["status"], "PENDING")
        self.start(staying, group, self.moto.url)
        found = self.wait_for(controller, job, "PROCESSING")
        self.assertIn(staying, found["worker"])
        self.assertEqual(self.moto.instances(group), {staying: True, leaving: False})
        # The group shrinks while it works.
        self.moto.query("SetDesiredCapacity", AutoScalingGroupName=group, DesiredCapacity="1")
        self.assertEqual(list(self.moto.instances(group)), [staying])
        self.assertEqual(self.wait_for(controller, job, "SUCCESS")["attempt"], 1)


if __name__ == "__main__":
    (fleet_test.NANOGRID, fleet_test.CONTROLLER, fleet_test.WORKER) = (
        str(pathlib.Path(each).resolve()) for each in sys.argv[1:4])
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=1)
