#!/usr/bin/python3
"""Clients that are slow, wrong or many: hostile_test.py SERVER [IDLE_CONNECTIONS]

Each gets a clear error or a closed connection, and nobody else notices."""
import json
import re
import socket
import sys
import time
import unittest

from server_process import Server, raise_file_limit, read_to_end, read_until, status_of

PROGRAM = sys.argv[1]
IDLE = int(sys.argv[2]) if len(sys.argv) > 2 else 1000

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"


def get(path, extra=b""):
    return b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + extra + b"\r\n"


def post(path, body, extra=b""):
    return (b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + extra
            + b"Content-Length: %d\r\n\r\n" % len(body) + body)


class Requests(unittest.TestCase):
    """What is not HTTP, or not to be understood in one way only."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, "--body", str(1 << 20))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def refuses(self, request, status):
        answer = self.server.say(request)
        self.assertEqual(status_of(answer), status, answer)
        self.assertIn(b"Connection: close\r\n", answer)
        error = json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
        self.assertTrue(error["message"] and error["code"])
        self.assertLess(self.server.health(), 1)

    def test_requests_that_could_be_read_in_two_ways_are_refused(self):
        start = b"POST /v1/functions/echo/jobs HTTP/1.1\r\n" + HOST
        chunk = b"1\r\n1\r\n0\r\n\r\n"
        self.refuses(start + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, 400)
        self.refuses(start + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" + chunk, 400)
        self.refuses(start + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1", 400)
        self.refuses(start + b"Content-Length: 1, 1\r\n\r\n1", 400)
        self.refuses(start + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12", 400)
        self.refuses(start + b"Content-Length: -1\r\n\r\n", 400)
        self.refuses(start + b"Content-Length: +1\r\n\r\n1", 400)
        self.refuses(start + b"Content-Length: 0x1\r\n\r\n1", 400)
        self.refuses(start + b"Content-Length: 99999999999999999999999\r\n\r\n1", 400)
        self.refuses(start + b"Transfer-Encoding: gzip\r\n\r\n" + chunk, 501)
        self.refuses(start + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk, 501)
        self.refuses(start + b"Transfer-Encoding: xchunked\r\n\r\n" + chunk, 501)
        self.refuses(start + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                     + chunk, 400)
        self.refuses(start + b"Transfer-Encoding : chunked\r\n\r\n" + chunk, 400)
        self.refuses(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, 400)
        self.refuses(b"GET /health HTTP/1.1\r\n\r\n", 400)
        self.refuses(b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)
        self.refuses(b"GET /health HTTP/1.1\r\nHost: a b/c\r\n\r\n", 400)

    def test_what_is_not_http_is_refused(self):
        for request in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), b"hello\r\n\r\n",
                        b"GET /health\r\n\r\n", b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n",
                        b"GET /health HTTP/1.1\r\nno colon\r\n\r\n",
                        b"GET /health HTTP/1.1\r\n: no name\r\n\r\n",
                        b"GET /health HTTP/1.1\r\nA\0b: c\r\n" + HOST + b"\r\n",
                        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"):
            with self.subTest(request=request):
                answer = self.server.say(request)
                self.assertIn(status_of(answer), (400, 404, 405), answer)
        self.refuses(b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", 505)
        self.refuses(b"GET /health HTTP/1.1\r\n" + HOST + b"Expect: a-miracle\r\n\r\n", 417)

    def test_broken_targets_are_refused(self):
        for target in ("/v1/jobs/%", "/v1/jobs/%zz", "/v1/jobs/%00", "/v1/jobs/%ff", "*",
                       "/v1/jobs?x=%", "http://"):
            with self.subTest(target=target):
                answer = self.server.say(get(target, CLOSE))
                self.assertEqual(status_of(answer), 400, answer)
        for target in ("/", "//health", "/health/", "/v1/jobs/../../health", "/v1/functions//jobs"):
            with self.subTest(target=target):
                self.assertEqual(status_of(self.server.say(get(target, CLOSE))), 404)

    def test_headers_have_a_bound(self):
        self.refuses(get("/health", b"X: " + b"x" * 20000 + b"\r\n"), 431)
        self.refuses(get("/health", b"".join(b"X%d: 1\r\n" % i for i in range(200))), 431)
        self.refuses(b"GET /" + b"x" * 20000, 431)

    def test_bodies_have_a_bound(self):
        path = "/v1/functions/echo/jobs"
        # Said in the header: refused before a byte of it is read.
        self.refuses(b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST
                     + b"Content-Length: 99999999999\r\n\r\n", 413)
        self.refuses(post(path, b" " * (1 << 20) + b"1"), 413)
        with self.server.connect() as connection:
            connection.sendall(b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST
                               + b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.assertLess(self.server.health(), 1)
        # Where no body is wanted there is hardly room for one.
        self.refuses(post("/v1/jobs/x/retry", b" " * 5000), 413)

    def test_requests_sent_at_once_are_answered_in_order(self):
        count = 2000
        requests = b"".join(get("/health") if i % 2 else get(f"/nothing{i}") for i in range(count))
        with self.server.connect() as connection:
            connection.sendall(requests + get("/health", CLOSE))
            answers = read_to_end(connection)
        statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)
        self.assertEqual(statuses, [b"404", b"200"] * (count // 2) + [b"200"])

    def test_a_request_may_come_in_single_bytes(self):
        request = (b"POST /v1/functions/echo/invoke HTTP/1.1\r\n" + HOST + CLOSE
                   + b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\n[1,\r\n2\r\n2]\r\n0\r\nT: 1\r\n\r\n")
        with self.server.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(request)):
                connection.sendall(request[i:i + 1])
            answer = read_to_end(connection)
        self.assertTrue(answer.endswith(b"\r\n\r\n[1,2]"), answer)

    def test_a_body_is_asked_for_only_if_it_is_wanted(self):
        expect = b"Expect: 100-continue\r\nContent-Length: 1\r\n"
        with self.server.connect() as connection:
            connection.sendall(b"POST /v1/functions/echo/invoke HTTP/1.1\r\n" + HOST + CLOSE
                               + expect + b"\r\n")
            self.assertTrue(read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 "))
            connection.sendall(b"7")
            self.assertTrue(read_to_end(connection).endswith(b"\r\n\r\n7"))
        self.refuses(b"POST /nowhere HTTP/1.1\r\n" + HOST + expect + b"\r\n", 404)

    def test_head_is_get_without_a_body(self):
        answer = self.server.say(b"HEAD /v1/functions HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        self.assertEqual(status_of(answer), 200)
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)
        self.assertRegex(answer, rb"Content-Length: [1-9]")
        answer = self.server.say(b"HEAD /v1/events HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_http_1_0_is_answered_without_chunks(self):
        answer = self.server.say(b"GET /health HTTP/1.0\r\n\r\n")
        self.assertEqual(status_of(answer), 200)
        job = self.server.say(post("/v1/functions/echo/jobs", b"1", CLOSE))
        job_id = json.loads(job.split(b"\r\n\r\n", 1)[1])["job_id"]
        answer = self.server.say(f"GET /v1/jobs/{job_id}/events HTTP/1.0\r\n\r\n".encode())
        self.assertNotIn(b"Transfer-Encoding", answer)
        self.assertIn(b'"SUCCESS"', answer)

    def test_web_pages_of_others_are_refused(self):
        for extra in (b"Origin: http://evil.example\r\n", b"Origin: null\r\n",
                      b"Origin: http://localhost:1\r\n"):
            self.assertEqual(status_of(self.server.say(get("/v1/jobs", extra + CLOSE))), 403)
        rebound = b"GET /v1/jobs HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n"
        self.assertEqual(status_of(self.server.say(rebound)), 403)
        absolute = b"GET http://evil.example/v1/jobs HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
        self.assertEqual(status_of(self.server.say(absolute)), 403)
        own = get("/v1/jobs", b"Origin: http://localhost\r\n" + CLOSE)
        self.assertEqual(status_of(self.server.say(own)), 200)

    def test_a_client_that_sends_no_more_still_gets_its_answer(self):
        with self.server.connect() as connection:
            connection.sendall(post("/v1/functions/echo/invoke", b'{"wait_ms": 300}'))
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(status_of(read_to_end(connection)), 200)


class Time(unittest.TestCase):
    def test_a_header_must_come_in_time(self):
        with Server(PROGRAM, "--header-ms", "300") as server:
            slow = [server.connect() for _ in range(50)]
            for connection in slow:
                connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
            for connection in slow:
                answer = read_to_end(connection)
                self.assertEqual(status_of(answer), 408, answer)
                connection.close()
            # One that goes on sending gains no time by it.
            with server.connect() as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\n")
                try:
                    for i in range(1000):
                        connection.sendall(b"X: %d\r\n" % i)
                        time.sleep(0.05)
                    self.fail("a header of a minute was taken")
                except (BrokenPipeError, ConnectionResetError):
                    pass
            self.assertLess(server.health(), 1)

    def test_a_call_that_takes_long_is_kept_alive_and_ends_with_trailers(self):
        with Server(PROGRAM, "--heartbeat-ms", "300") as server:
            with server.connect() as connection:
                connection.sendall(post("/v1/functions/echo/invoke", b'{"wait_ms": 1500}', CLOSE))
                answer = read_to_end(connection)
            head, body = answer.split(b"\r\n\r\n", 1)
            self.assertEqual(status_of(head), 200)
            self.assertRegex(head, rb"NanoGrid-Job-Id: [0-9a-f-]{36}")
            self.assertIn(b"Trailer: NanoGrid-Status, NanoGrid-Error", head)
            self.assertTrue(body.startswith(b"1\r\n\n\r\n"), body)
            self.assertTrue(body.endswith(b'{"wait_ms": 1500}\r\n0\r\nNanoGrid-Status: SUCCESS\r\n\r\n'),
                            body)
            with server.connect() as connection:
                connection.sendall(get("/v1/events"))
                text = read_until(connection, b":\n\n\r\n3\r\n:\n\n")
                self.assertEqual(status_of(text), 200)

    def test_a_client_that_leaves_does_not_end_its_job(self):
        with Server(PROGRAM, "--heartbeat-ms", "200") as server:
            with server.connect() as connection:
                connection.sendall(post("/v1/functions/echo/invoke", b'{"wait_ms": 1200}'))
                head = read_until(connection, b"\r\n\r\n")
            job_id = re.search(rb"NanoGrid-Job-Id: ([0-9a-f-]{36})", head)[1].decode()
            events = server.say(get(f"/v1/jobs/{job_id}/events", CLOSE))
            self.assertIn(b'"SUCCESS"', events)

    def test_the_server_ends_although_clients_wait(self):
        server = Server(PROGRAM)
        waiting = [server.connect() for _ in range(3)]
        waiting[0].sendall(get("/v1/events"))
        read_until(waiting[0], b":\n\n")
        waiting[2].sendall(b"GET /hea")
        server.__exit__()
        for connection in waiting:
            read_to_end(connection)
            connection.close()


class Crowds(unittest.TestCase):
    def test_idle_and_slow_connections_disturb_nobody(self):
        count = min(IDLE, raise_file_limit(IDLE + 200) - 200)
        if count < IDLE:
            print(f"only {count} of {IDLE} connections: this machine allows no more open files")
        with Server(PROGRAM) as server:
            before = server.resident()
            crowd = []
            for i in range(count):
                connection = server.connect()
                # A tenth is in the middle of a header, a tenth in the middle of a body.
                if i % 10 == 0:
                    connection.sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: local")
                if i % 10 == 1:
                    connection.sendall(b"POST /v1/functions/echo/jobs HTTP/1.1\r\n" + HOST
                                       + b"Content-Length: 1000000\r\n\r\n[1")
                crowd.append(connection)
            slowest = max(server.health() for _ in range(50))
            each = (server.resident() - before) / count
            print(f"{count} idle and slow connections: {each / 1024:.1f} KiB each, "
                  f"/health within {slowest * 1000:.1f} ms")
            self.assertLess(slowest, 1)
            self.assertLess(each, 16 << 10)
            for connection in crowd:
                connection.close()

    def test_more_connections_than_allowed_are_turned_away(self):
        with Server(PROGRAM, "--connections", "20") as server:
            crowd = [server.connect() for _ in range(20)]
            for connection in crowd:
                connection.sendall(get("/health"))
                read_until(connection, b"}")
            with server.connect() as one_more:
                self.assertEqual(status_of(read_to_end(one_more)), 503)
            crowd.pop().close()
            deadline = time.monotonic() + 20
            while True:
                with server.connect() as connection:
                    connection.sendall(get("/health", CLOSE))
                    if status_of(read_to_end(connection)) == 200:
                        break
                self.assertLess(time.monotonic(), deadline)
            for connection in crowd:
                connection.close()

    def test_without_descriptors_it_waits_quietly(self):
        with Server(PROGRAM, max_files=100) as server:
            crowd = [server.connect() for _ in range(150)]
            before = server.cpu_seconds()
            time.sleep(1)
            self.assertLess(server.cpu_seconds() - before, 0.3)
            for connection in crowd:
                connection.close()
            self.assertLess(server.health(), 20)

    def test_bodies_share_a_budget(self):
        size = 4 << 20
        with Server(PROGRAM, "--memory", str(10 << 20)) as server:
            crowd = []
            for _ in range(3):  # the fourth part of each is missing
                connection = server.connect()
                connection.sendall(b"POST /v1/functions/echo/jobs HTTP/1.1\r\n" + HOST
                                   + b"Content-Length: %d\r\n\r\n" % size + b"[" * (size * 3 // 4))
                crowd.append(connection)
            deadline = time.monotonic() + 20
            while True:
                answer = server.say(post("/v1/functions/echo/jobs", b" " * size + b"1", CLOSE))
                if status_of(answer) == 429:
                    break
                self.assertEqual(status_of(answer), 202, answer)
                self.assertLess(time.monotonic(), deadline)
            self.assertIn(b"Retry-After: ", answer)
            self.assertLess(server.health(), 1)
            for connection in crowd:
                connection.close()
            while status_of(server.say(post("/v1/functions/echo/jobs", b" " * size + b"1",
                                            CLOSE))) != 202:
                self.assertLess(time.monotonic(), deadline)

    def test_slow_readers_of_large_results_cost_no_memory(self):
        size = 4 << 20
        with Server(PROGRAM) as server:
            answer = server.say(post("/v1/functions/echo/invoke", b'{"size": %d}' % size, CLOSE))
            self.assertEqual(len(answer.split(b"\r\n\r\n", 1)[1]), size + 2)
            job_id = re.search(rb"NanoGrid-Job-Id: ([0-9a-f-]{36})", answer)[1].decode()
            before = server.resident()
            crowd = []
            for _ in range(100):
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(60)
                connection.connect(("127.0.0.1", server.port))
                connection.sendall(get(f"/v1/jobs/{job_id}/result", CLOSE))
                crowd.append(connection)
            heads = [read_until(connection, b"\r\n\r\n") for connection in crowd]
            self.assertLess(server.health(), 1)
            grown = server.resident() - before
            self.assertLess(grown, 64 << 20, "of 400 MiB that wait to be read")
            rest = read_to_end(crowd[0])
            body = (heads[0] + rest).split(b"\r\n\r\n", 1)[1]
            self.assertEqual(len(body), size + 2)
            for connection in crowd:
                connection.close()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "--verbose"])
