"""What the hostile programs in Python share. Each attempt prints a line: "refused ERRNO what" or
"ESCAPED what"."""
import errno
import os
import struct
import sys

INVOKE, RESULT, ERROR, READY, PROGRESS = 1, 2, 3, 4, 5


def attempt(what, call, *arguments):
    """A call that must be refused."""
    try:
        answer = call(*arguments)
    except OSError as error:
        print("refused", errno.errorcode.get(error.errno, "TIMEOUT"), what, flush=True)
    else:
        print("ESCAPED", what, "answered", repr(answer)[:200], flush=True)


def baits():
    """What the host could be found by: a dictionary."""
    return dict(line.split(" ", 1) for line in sys.stdin.read().splitlines())


def read_question():
    """Waits for INVOKE and answers its body."""
    def read(size):
        data = b""
        while len(data) < size:
            piece = os.read(3, size - len(data))
            if not piece:
                sys.exit(0)
            data += piece
        return data
    _, meta, body, _, _ = struct.unpack("<IIIIQ", read(24))
    read(meta)
    return read(body)


def frame(kind, body=b"", meta=b"", body_length=None, reserved=0, deadline=0):
    length = len(body) if body_length is None else body_length
    return struct.pack("<IIIIQ", kind, len(meta), length, reserved, deadline) + meta + body


def say(data):
    """Writes all of it to the host, which may kill us meanwhile."""
    view = memoryview(data)
    while view:
        view = view[os.write(4, view):]


def wait():
    """For the end that the host makes."""
    import signal
    while True:
        signal.pause()
