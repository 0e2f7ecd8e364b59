"""A server under test, and sockets to speak to it byte by byte."""
import os
import re
import resource
import socket
import subprocess
import time


class Server:
    """A program that prints "listening on http://127.0.0.1:PORT" and ends with its input."""

    def __init__(self, program, *arguments, max_files=None):
        prefix = [] if max_files is None else ["/bin/sh", "-c", f'ulimit -n {max_files}; exec "$@"',
                                               "sh"]
        self.process = subprocess.Popen([*prefix, program, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        assert match, f"{program} did not start: {line!r}"
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        assert code == 0, f"the server ended with {code}"

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def say(self, request, timeout=20):
        """Sends bytes, answers all that comes until the server closes."""
        with self.connect(timeout) as connection:
            connection.sendall(request)
            return read_to_end(connection)

    def resident(self):
        """Bytes of memory in RAM."""
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()


    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def health(self):
        """Seconds that /health took, on a connection of its own."""
        began = time.monotonic()
        answer = self.say(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert status_of(answer) == 200, answer
        return time.monotonic() - began


def read_to_end(connection):
    pieces = []
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


def read_until(connection, mark, limit=1 << 20):
    """Bytes up to and with `mark`; what follows may be there too."""
    text = b""
    while mark not in text:
        piece = connection.recv(65536)
        assert piece, f"closed before {mark!r} came: {text!r}"
        text += piece
        assert len(text) < limit, f"no {mark!r} in {len(text)} bytes"
    return text


def status_of(answer):
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(match[1]) if match else None


def raise_file_limit(wanted):
    """The number of files that may be open now, raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
