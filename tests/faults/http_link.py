"""A link of the proxy that reads the HTTP it carries, to spoil it as AWS may: see proxy.py."""
import asyncio
import collections
import json
import os
import random

from link import Link

# What services answer when they have trouble, by the kind of trouble.
CORAL = "com.amazon.coral.service#"
DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
ANSWERS = {
    "sqs": {"500": (500, CORAL + "InternalFailure"),
            "503": (503, CORAL + "ServiceUnavailableException"),
            "throttled": (400, "com.amazon.coral.availability#ThrottlingException")},
    "dynamodb": {"500": (500, DYNAMODB + "InternalServerError"),
                 "503": (503, CORAL + "ServiceUnavailableException"),
                 "throttled": (400, DYNAMODB + "ThrottlingException")},
    "s3": {"500": (500, "InternalError"), "503": (503, "ServiceUnavailable"),
           "throttled": (503, "SlowDown")},
}
# The last three: no answer and nothing done, an answer that is late, no answer though it was done.
TROUBLES = ("500", "503", "throttled", "cut", "slow", "lost")


class Message:
    """A request or a response, as it came."""

    def __init__(self, head):
        self.head, self.body = head, b""
        self.first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}

    @property
    def bytes(self):
        return self.head + self.body

    @classmethod
    async def read(cls, reader, has_body=True):
        """None: the connection is over."""
        try:
            message = cls(await reader.readuntil(b"\r\n\r\n"))
            if "chunked" in message.headers.get("transfer-encoding", ""):
                message.body = await read_chunks(reader)
            elif has_body and "content-length" in message.headers:
                message.body = await reader.readexactly(int(message.headers["content-length"]))
            return message
        except asyncio.IncompleteReadError:
            return None

    def service(self):
        target = self.headers.get("x-amz-target", "")
        return "sqs" if target.startswith("AmazonSQS.") else "dynamodb" if target else "s3"


async def read_chunks(reader):
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size, 16) + 2)
        if int(size, 16) == 0:
            return body


def answer(request, trouble):
    status, code = ANSWERS[request.service()][trouble]
    if request.service() == "s3":
        kind, body = "application/xml", f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
    else:
        kind, body = "application/x-amz-json-1.0", json.dumps({"__type": code, "message": "No."})
    if request.first.startswith("HEAD "):
        body = ""
    return (f"HTTP/1.1 {status} Trouble\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class HttpLink(Link):
    """`errors` of its requests go wrong. What it sends to FIFO queues is written to the file that
    FAULTS_SENT names, in the order in which the service took it: "GROUP JOB"."""

    counts = collections.Counter()  # of troubles made, by all links
    in_turn = asyncio.Lock()  # messages to FIFO queues: so that their order is known
    sent_before = set()  # by deduplication id

    def __init__(self, target):
        super().__init__(target)
        self.errors, self.rng = 0, random.Random()

    def change(self, command):
        super().change(command)
        if "errors" in command:
            self.errors = command["errors"]
            self.rng = random.Random(command.get("seed"))

    async def carry(self, reader, writer, there_reader, there_writer):
        try:
            while request := await Message.read(reader):
                await self.pass_gate("up")
                if not await self.exchange(request, writer, there_reader, there_writer):
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        self.end(writer)
        self.end(there_writer)

    async def exchange(self, request, writer, there_reader, there_writer):
        """False: the connection is over."""
        trouble = self.rng.choice(TROUBLES) if self.rng.random() < self.errors else None
        if trouble:
            self.counts[trouble] += 1
        if trouble == "cut":
            self.cut(writer)
            return False
        if trouble == "slow":
            await asyncio.sleep(self.rng.uniform(0.2, 3))
        if trouble in ANSWERS["s3"]:
            writer.write(answer(request, trouble))
            await writer.drain()
            return True
        response = await self.forward(request, there_reader, there_writer)
        if trouble == "lost" or response is None:
            self.cut(writer)
            return False
        await self.pass_gate("down")
        writer.write(response.bytes)
        await writer.drain()
        return response.headers.get("connection", "").lower() != "close"

    async def forward(self, request, there_reader, there_writer):
        async def ask():
            there_writer.write(request.bytes)
            return await Message.read(there_reader, not request.first.startswith("HEAD "))

        if not request.headers.get("x-amz-target", "").startswith("AmazonSQS.SendMessage"):
            return await ask()
        batch = json.loads(request.body)
        if not batch["QueueUrl"].endswith(".fifo"):
            return await ask()
        async with self.in_turn:
            response = await ask()
            if response is not None and " 200 " in response.first:
                self.note(batch["Entries"], json.loads(response.body))
            return response

    @classmethod
    def note(cls, entries, taken):
        good = {each["Id"] for each in taken.get("Successful", ())}
        with open(os.environ["FAULTS_SENT"], "a") as file:
            for entry in entries:
                if entry["Id"] in good and entry["MessageDeduplicationId"] not in cls.sent_before:
                    cls.sent_before.add(entry["MessageDeduplicationId"])
                    job = json.loads(entry["MessageBody"])["job_id"]
                    file.write(f"{entry['MessageGroupId']} {job}\n")
