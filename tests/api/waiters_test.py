#!/usr/bin/python3
"""Many clients that wait at once: waiters_test.py SERVER [WAITERS [KIB]]

Half wait for a result, half on an event stream; each gets what it waits for, and /health answers
within a second throughout. Prints how much memory one takes, at most KIB."""
import select
import sys
import time

from server_process import Server, raise_file_limit, read_until


def wait_for(connections, mark, slowest):
    """Reads from all until each has had `mark`."""
    poll = select.epoll()
    texts = {connection.fileno(): b"" for connection in connections}
    by_fd = {connection.fileno(): connection for connection in connections}
    for connection in connections:
        poll.register(connection, select.EPOLLIN)
    deadline = time.monotonic() + slowest
    while texts:
        assert time.monotonic() < deadline, f"{len(texts)} still wait"
        for fd, _ in poll.poll(1):
            piece = by_fd[fd].recv(65536)
            assert piece, f"closed before {mark!r}: {texts[fd]!r}"
            texts[fd] += piece
            if mark in texts[fd]:
                poll.unregister(fd)
                del texts[fd]


def wait_for_pending(server, count):
    deadline = time.monotonic() + 120
    while f'nanogrid_jobs{{state="PENDING"}} {count}\n'.encode() not in server.say(
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):
        assert time.monotonic() < deadline, f"not all {count} jobs were submitted"


def measure(server, requests, ready, what):
    """Opens one connection per request; answers them once all are `ready` bytes' far."""
    connections = []
    before = server.resident()
    for request in requests:
        connection = server.connect()
        connection.sendall(request)
        connections.append(connection)
    if ready:
        wait_for(connections, ready, 120)
    else:
        wait_for_pending(server, len(connections))
    slowest = max(server.health() for _ in range(20))
    assert slowest < 1, f"/health took {slowest:.2f} s"
    per_waiter = (server.resident() - before) / len(connections)
    print(f"{len(connections)} {what}: {per_waiter / 1024:.1f} KiB each in the server, "
          f"/health within {slowest * 1000:.1f} ms")
    return connections, per_waiter


def post(path, body=b"null"):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            .encode() + body)


def main():
    program = sys.argv[1]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    room = raise_file_limit(wanted + 200) - 200
    count = min(wanted, room)
    if count < wanted:
        print(f"only {count} of {wanted} waiters: this machine allows no more open files")
    # Jobs wait behind one that takes until it is cancelled.
    with Server(program, "--slots", "1") as server:
        with server.connect() as control:
            control.sendall(post("/v1/functions/echo/jobs", b'{"wait_ms": 3600000}'))
            answer = read_until(control, b'"job_id":"')
            job_id = answer.split(b'"job_id":"')[1][:36].decode()
        events = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        streams, per_stream = measure(server, [events] * (count // 2), b'"PROCESSING"',
                                      "event streams")
        calls, per_call = measure(server, [post("/v1/functions/echo/invoke", b"[%d]" % i)
                                           for i in range(count - count // 2)], b"",
                                  "clients waiting for results, a job each")
        server.say(f"DELETE /v1/jobs/{job_id} HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\n\r\n".encode())
        began = time.monotonic()
        wait_for(streams, b'"CANCELLED"', 60)
        wait_for(calls, b"NanoGrid-Status: SUCCESS", 300)
        print(f"all {len(calls)} had their results {time.monotonic() - began:.1f} s after the "
              "job before them was cancelled")
        for connection in streams + calls:
            connection.close()
        # Calls with a job each in memory, stores included.
        bound = int(sys.argv[3] if len(sys.argv) > 3 else 16) << 10
        assert max(per_stream, per_call) < bound, f"{per_stream:.0f} and {per_call:.0f} bytes"


if __name__ == "__main__":
    main()
