"""The processes of a fleet on this machine, and the services that they need."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

REGION = "us-east-1"
QUEUE, DEAD_LETTERS = "nanogrid-task-queue", "nanogrid-dead-letters"
BUCKETS = ("nanogrid-code", "nanogrid-user-data")
TABLE = "nanogrid-functions"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
        except OSError:
            value = None
        if value:
            return value
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {seconds} s")


class Fleet:
    """Starts everything in a directory of its own; leaving the block ends it all."""

    def __init__(self, programs, directory):
        self.programs = pathlib.Path(programs).resolve()
        self.directory = pathlib.Path(directory)
        self.processes = {}
        self.controllers = []  # their URLs
        self.redis = f"redis://127.0.0.1:{free_port()}"
        self.aws = f"http://127.0.0.1:{free_port()}"
        # A double asks for no real credentials, but requests must be signed.
        self.environment = {**os.environ, "AWS_ACCESS_KEY_ID": "example",
                            "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": REGION,
                            "AWS_ENDPOINT_URL": self.aws, "AWS_EC2_METADATA_DISABLED": "true"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The last first: what workers and controllers need is there until they have ended.
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name, command):
        log = open(self.directory / f"{name}.log", "wb")
        self.processes[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def kill(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def start_services(self):
        data = self.directory / "redis"
        data.mkdir()
        self.start("redis", ["redis-server", "--port", self.redis.rpartition(":")[2],
                             "--bind", "127.0.0.1", "--dir", str(data),
                             "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""])
        self.start("aws", ["moto_server", "-H", "127.0.0.1", "-p", self.aws.rpartition(":")[2]])
        for address in (self.redis, self.aws):
            host, _, port = address.rpartition("/")[2].partition(":")
            wait_until(address, 30, lambda: not socket.create_connection((host, int(port)), 1).close())
        for queue in (QUEUE, DEAD_LETTERS):
            self.call_aws("AmazonSQS.CreateQueue", "1.0", {"QueueName": queue})
        for bucket in BUCKETS:
            self.make_bucket(bucket)
        self.call_aws("DynamoDB_20120810.CreateTable", "1.0", {
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "functionId", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "functionId", "KeyType": "HASH"}]})

    def call_aws(self, target, version, body):
        service = {"AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}[target.partition(".")[0]]
        request = urllib.request.Request(self.aws + "/", json.dumps(body).encode(), {
            "Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential=example/20260101/{REGION}/{service}/"
                             "aws4_request, SignedHeaders=host, Signature=0"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def make_bucket(self, bucket):
        request = urllib.request.Request(f"{self.aws}/{bucket}", method="PUT", headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential=example/20260101/{REGION}/s3/"
                             "aws4_request, SignedHeaders=host, Signature=0"})
        urllib.request.urlopen(request, timeout=30).close()

    def write_configuration(self):
        path = self.directory / "fleet.toml"
        path.write_text(f"""\
queue = "sqs://{QUEUE}"
dead_letters = "sqs://{DEAD_LETTERS}"
jobs = "{self.redis}"
catalog = "dynamodb://{TABLE}"
objects = "s3://{BUCKETS[0]}?path_style=true"
user_data = "s3://{BUCKETS[1]}?path_style=true"
worker = false
lease = "5s"
slots = 8
""")
        return str(path)

    def start_controller(self, name, configuration):
        self.start(name, [str(self.programs / "nanogrid-controller"), "--config", configuration,
                          "--listen", "127.0.0.1:0"])
        self.controllers.append(wait_until(name, 30, lambda: self.address_of(name)))

    def address_of(self, name):
        text = (self.directory / f"{name}.log").read_text()
        if self.processes[name].poll() is not None:
            raise SystemExit(f"{name} ended:\n{text}")
        for line in text.splitlines():
            if line.startswith("listening on "):
                return line.split()[-1]
        return None

    def start_worker(self, name, configuration):
        self.start(name, [str(self.programs / "nanogrid-worker"), "--config", configuration,
                          "--name", name])
        log = self.directory / f"{name}.log"
        wait_until(name, 30, lambda: "working on" in log.read_text())
