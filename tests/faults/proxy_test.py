#!/usr/bin/python3
"""The proxy carries requests, and spoils as many as it is told, in every way."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from http_link import TROUBLES

HERE = pathlib.Path(__file__).parent
SEND = {"X-Amz-Target": "AmazonSQS.SendMessageBatch"}


class Service(BaseHTTPRequestHandler):
    """Takes what it is sent, and says so."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen += 1
        entries = json.loads(body).get("Entries", [])
        answer = json.dumps({"Successful": [{"Id": each["Id"]} for each in entries]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Proxy(unittest.TestCase):
    def setUp(self):
        self.service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.service.seen = 0
        threading.Thread(target=self.service.serve_forever, daemon=True).start()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.sent = pathlib.Path(directory.name) / "sent"
        self.proxy = subprocess.Popen(
            [sys.executable, "-B", HERE / "proxy.py", f"a={self.service.server_port}/http"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "FAULTS_SENT": str(self.sent)})
        self.port = json.loads(self.proxy.stdout.readline())["a"]

    def tearDown(self):
        self.end()
        self.service.shutdown()
        self.service.server_close()

    def end(self):
        """How many requests went wrong, by kind."""
        if self.proxy.returncode is None:
            self.said = json.loads(self.proxy.communicate(timeout=60)[0])
        return self.said

    def tell(self, **what):
        self.proxy.stdin.write(json.dumps({"link": "a", **what}) + "\n")
        self.proxy.stdin.flush()

    def call(self, body=b"{}", headers=None):
        """(status, text), or None: no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def test_what_it_isNotToldToSpoilArrives(self):
        for _ in range(10):
            self.assertEqual(self.call(), (200, '{"Successful": []}'))
        self.assertEqual(self.service.seen, 10)
        self.assertEqual(self.end(), {})

    def test_allKindsOfTroubleAreMadeAndCounted(self):
        self.tell(errors=1, seed=3)
        while self.call() == (200, '{"Successful": []}'):
            pass  # it has not been told yet, or the request was only slow
        request = (b'{"QueueUrl": "q", "Entries": []}', SEND)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.call(*request), range(40)))
        made = self.end()
        self.assertEqual(set(made), set(TROUBLES))
        codes = "".join(answer[1] for answer in answers if answer)
        for code in ("InternalFailure", "ServiceUnavailableException", "ThrottlingException"):
            self.assertIn(code, codes)
        self.assertIn(None, answers)

    def test_aResetEndsConnections(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/", b"{}")
        connection.getresponse().read()
        self.tell(reset=True)
        with self.assertRaises((OSError, http.client.HTTPException)):
            while True:  # until it has been told
                connection.request("POST", "/", b"{}")
                connection.getresponse().read()
        connection.close()

    def test_theOrderOfWhatAFifoQueueTookIsWrittenDown(self):
        def send(url, *jobs):
            entries = [{"Id": str(i), "MessageGroupId": "g", "MessageDeduplicationId": f"d{job}",
                        "MessageBody": json.dumps({"job_id": job})} for i, job in enumerate(jobs)]
            self.call(json.dumps({"QueueUrl": url, "Entries": entries}).encode(), SEND)

        send("http://x/q.fifo", "1", "2")
        send("http://x/q", "3")
        send("http://x/q.fifo", "2", "4")  # 2 again: nothing new
        self.assertEqual(self.sent.read_text().split(), ["g", "1", "g", "2", "g", "4"])


if __name__ == "__main__":
    unittest.main()
