"""The services in which a fleet keeps everything, what its programs are told of them, and what is in
their dead-letter queues at the end."""
import json
import os
import shutil
import socket
import time
import urllib.request

PLAIN = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
REGION = "us-east-1"
# It has threads and no locks: they take turns at I/O only, so that a request is carried out whole.
# Who waits asks again and again: moto's own waiting neither wakes up for messages that come back, nor
# does it see that a group is in somebody's hands since. A message whose lease has ended is in nobody's
# hands: else the first to come again of several would be the last one.
MOTO = """
import sys, time
from moto.server import main
from moto.sqs.models import Queue, SQSBackend
Queue.pending_message_groups = property(lambda queue: {
    each.group_id for each in queue.pending_messages if each.group_id and not each.visible})
receive = SQSBackend.receive_message
def receive_in(backend, queue, count, wait, *rest):
    end = time.monotonic() + wait
    while True:
        found = receive(backend, queue, count, 0, *rest)
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)
SQSBackend.receive_message = receive_in
sys.setswitchinterval(600)
main(['-H', '127.0.0.1', '-p', sys.argv[1]])"""


class RedisStack:
    """Queue and jobs in Redis, objects and functions in files."""
    without = ("aws-errors",)  # of the nemeses
    spoiled = ""  # the end of the names of links that they spoil

    def __init__(self, directory, port_of):
        self.directory = directory
        self.ports = {"redis": port_of()}
        # What programs have links to: what is put behind their names, and where that leads.
        self.links = {"": str(self.ports["redis"])}

    @staticmethod
    def missing():
        """What cannot be run here."""
        return None if shutil.which("redis-server", path=PLAIN["PATH"]) else "no redis-server"

    def services(self):
        """Of each: its name, command, and environment."""
        return [("redis", [
            "redis-server", "--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--dir",
            str(self.directory / "redis"), "--appendonly", "yes", "--appendfsync", "always",
            "--save", "", "--auto-aof-rewrite-percentage", "0"], {})]

    def prepare(self):
        """Once the services are there."""

    def settings(self, program, ports):
        jobs = f"redis://127.0.0.1:{ports[program]}?prefix="
        return {"NANOGRID_QUEUE": jobs + "faults", "NANOGRID_JOBS": jobs + "faults",
                "NANOGRID_CATALOG": f"sqlite:{self.directory}/functions.db",
                "NANOGRID_OBJECTS": f"file://{self.directory}/objects"}

    @staticmethod
    def dead_letters(program, ports):
        return f"redis://127.0.0.1:{ports[program]}?prefix=dead"

    def read_letters(self):
        found = redis_command(self.ports["redis"], "XRANGE", "dead:queue", "-", "+")
        return [json.loads(fields[fields.index("b") + 1]) for _, fields in found]

    @staticmethod
    def read_sent():
        """What was sent to FIFO queues: (group, job), in its order."""
        return []


class AwsStack(RedisStack):
    """Queues in SQS, objects in S3, functions in DynamoDB; jobs in Redis."""
    without = ("disk",)

    # Jobs that run for longer than SQS leases a message are their records' then.
    queue = "sqs://faults?wait=2s&max_lease=4s"
    attributes = {}

    def __init__(self, directory, port_of):
        super().__init__(directory, port_of)
        self.ports["aws"] = port_of()
        self.links[".aws"] = f"{self.ports['aws']}/http"
        self.sent = directory / "sent"
        self.sent.touch()

    @classmethod
    def missing(cls):
        if shutil.which("moto_server") is None:
            return "no moto_server: python3 -m pip install 'moto[server]'"
        return RedisStack.missing()

    def services(self):
        moto = ["python3", "-c", MOTO, str(self.ports["aws"])]
        return [*super().services(), ("aws", moto, {"PATH": os.environ["PATH"]})]

    def prepare(self):
        wait_for_port(self.ports["aws"])
        name = self.queue[6:].partition("?")[0]
        self.call("AmazonSQS.CreateQueue", {"QueueName": name, **self.attributes})
        self.letters = self.call("AmazonSQS.CreateQueue", {"QueueName": "dead"})["QueueUrl"]
        self.call("DynamoDB_20120810.CreateTable", {
            "TableName": "functions", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "functionId", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "functionId", "KeyType": "HASH"}]})
        self.request("/faults", b"", "PUT", {}, "s3")

    def call(self, target, body):
        service = {"AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}[target.partition(".")[0]]
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
        return json.loads(self.request("/", json.dumps(body).encode(), "POST", headers, service))

    def request(self, path, body, method, headers, service):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['aws']}{path}", body, {
            **headers, "Authorization": f"AWS4-HMAC-SHA256 Credential=example/20260101/{REGION}/"
                                        f"{service}/aws4_request, SignedHeaders=host, Signature=0"},
            method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def settings(self, program, ports):
        # A double asks for no real credentials, but requests must be signed.
        return {**super().settings(program, ports), "AWS_ACCESS_KEY_ID": "example",
                "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports[program + '.aws']}",
                "AWS_EC2_METADATA_DISABLED": "true",
                "NANOGRID_QUEUE": self.queue,
                "NANOGRID_CATALOG": "dynamodb://functions",
                "NANOGRID_OBJECTS": "s3://faults?path_style=true"}

    @staticmethod
    def dead_letters(program, ports):
        return "sqs://dead?wait=1s"

    def read_letters(self):
        letters = []
        while True:
            found = self.call("AmazonSQS.ReceiveMessage", {
                "QueueUrl": self.letters, "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600})
            if not found.get("Messages"):
                return letters
            letters += [json.loads(each["Body"]) for each in found["Messages"]]

    def read_sent(self):
        return [line.split() for line in self.sent.read_text().splitlines()]


class FifoStack(AwsStack):
    """With a queue that keeps an order. A worker leaves a message of whose job it cannot learn
    anything, and goes on with the next: so Redis answers, and in time."""
    without = (*AwsStack.without, "redis-kill", "stop")
    spoiled = ".aws"
    queue = "sqs://faults.fifo?wait=2s"
    attributes = {"Attributes": {"FifoQueue": "true"}}


def wait_for_port(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def redis_command(port, *words):
    """One command, its reply as nested lists of text."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
        request = b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
        server.sendall(b"*%d\r\n" % len(words) + request)
        with server.makefile("rb") as replies:
            return read_reply(replies)


def read_reply(replies):
    line = replies.readline()[:-2]
    kind, rest = line[:1], line[1:]
    if kind in b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b"*":
        return [read_reply(replies) for _ in range(int(rest))]
    if int(rest) < 0:
        return None
    return replies.read(int(rest) + 2)[:-2].decode()
