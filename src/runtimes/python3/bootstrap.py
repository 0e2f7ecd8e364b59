"""Serves a Python function: frames on descriptors 3 and 4 are calls of handler(event, context).

Every cold start pays for what is imported here: only modules built into the interpreter and the
JSON accelerator. The rest is imported where it is first needed.
"""

import builtins
import posix
import sys
import time
from _json import encode_basestring, make_encoder, make_scanner

INPUT, OUTPUT = 3, 4
RESULT, ERROR, PROGRESS = b"\2\0\0\0", b"\3\0\0\0", b"\5\0\0\0"
MAX_PROGRESS = 4000
SKIPPED = (__file__, "/asyncio/base_events.py")
UNLIMITED_MILLIS = 2**31 - 1  # fits wherever people put a number of milliseconds


def setting(name, default=""):
    return posix.environ.get(name.encode(), default.encode()).decode("utf-8", "surrogateescape")


class Context:
    function_name = setting("AWS_LAMBDA_FUNCTION_NAME")
    function_version = setting("AWS_LAMBDA_FUNCTION_VERSION")
    memory_limit_in_mb = int(setting("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))
    invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{function_name}"
    log_group_name = f"/aws/lambda/{function_name}"
    log_stream_name = f"[{function_version}]"
    identity = None
    client_context = None

    def __init__(self, request_id, deadline_ms):
        self.aws_request_id = request_id
        self.deadline = deadline_ms / 1000 if deadline_ms else None

    def get_remaining_time_in_millis(self):
        if self.deadline is None:
            return UNLIMITED_MILLIS
        return max(0, int((self.deadline - time.time()) * 1000))

    def report_progress(self, value):
        """Tells who watches the job how far it is: any JSON of at most 4000 bytes."""
        if self is not current:
            raise RuntimeError("the invocation has been answered")
        body = encode(value)
        if len(body) > MAX_PROGRESS:
            raise ValueError(f"progress of {len(body)} bytes, at most {MAX_PROGRESS}")
        posix.write(OUTPUT, frame_header(PROGRESS, body) + body)  # in one piece: pipe(7)


class Failure(Exception):
    """What the function did wrong, under one of Lambda's names."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Decoding:  # what make_scanner asks for
    strict = True
    object_hook = object_pairs_hook = None
    parse_int = int
    parse_float = parse_constant = float


def refuse(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


current = None  # the context of the invocation in progress
loop = None  # of async handlers
containers = {}  # those being encoded, to find cycles
scan = make_scanner(Decoding)
generate = make_encoder(
    containers, refuse, encode_basestring, None, ": ", ", ", False, False, False
)


def encode(value):
    try:
        text = "".join(generate(value, 0))
    except BaseException:
        containers.clear()
        raise
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def read_frame():
    """Answers the bytes of the next frame and where its body begins; exits if none will come."""
    data = posix.read(INPUT, 65536)
    while len(data) < 24:
        more = posix.read(INPUT, 65536)
        if not more:
            sys.exit()
        data += more
    body = 24 + int.from_bytes(data[4:8], "little")
    size = body + int.from_bytes(data[8:12], "little")
    if len(data) < size:
        whole = bytearray(size)
        done = len(data)
        whole[:done] = data
        with memoryview(whole) as view:
            while done < size:
                count = posix.readv(INPUT, (view[done:],))
                if not count:
                    sys.exit()
                done += count
        data = whole
    return data, body


def receive():
    """The next invocation's event and context."""
    data, body = read_frame()
    context = Context(str(data[24:body], "utf-8"), int.from_bytes(data[16:24], "little"))
    text = str(memoryview(data)[body:], "utf-8")
    del data  # events can be large
    try:
        return scan(text.strip(" \t\r\n"), 0)[0], context
    except (ValueError, RecursionError, StopIteration) as error:
        message = f"Unable to unmarshal input: {error}"
        raise Failure("Runtime.UnmarshalError", message) from error


def frame_header(kind, body):
    return kind + bytes(4) + len(body).to_bytes(4, "little") + bytes(12)


def send(kind, body):
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()  # the log must be complete before the answer
        except Exception:
            pass  # closed or replaced by the function
    header = frame_header(kind, body)
    sent = posix.writev(OUTPUT, (header, body))
    if sent < len(header) + len(body):
        rest = memoryview(header + body)[sent:]
        while rest:
            rest = rest[posix.write(OUTPUT, rest) :]


def describe(error):
    """The body of an ERROR frame; its stack shows the function's frames only."""
    import traceback

    shown = error.__cause__ if isinstance(error, Failure) else error
    stack = ""
    if shown:
        trace = shown.__traceback__
        while trace and trace.tb_frame.f_code.co_filename.endswith(SKIPPED):
            trace = trace.tb_next
        stack = "".join(traceback.format_exception(type(shown), shown, trace))
    try:
        message = str(error)
    except Exception:
        message = "<its str() failed>"
    kind = error.kind if isinstance(error, Failure) else type(error).__name__
    return encode({"type": kind, "message": message, "stack": stack})


def load(name):
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise Failure("Runtime.MalformedHandlerName", f"Bad handler '{name}': not file.function")
    module_name = module_name.replace("/", ".")
    try:
        __import__(module_name)
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Failure("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise Failure("Runtime.UserCodeSyntaxError", message) from error
    handler = getattr(sys.modules[module_name], function_name, None)
    if not callable(handler):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Failure("Runtime.HandlerNotFound", message)
    return handler


def finish(awaitable):
    """Runs what an async handler returned, on the one event loop of this process."""
    global loop
    import asyncio

    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(awaitable)


def marshal(result):
    if hasattr(result, "__await__"):
        result = finish(result)
    try:
        return encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Unable to marshal response: {error}"
        raise Failure("Runtime.MarshalError", message) from error


def serve(name):
    global current
    handler = answer = None
    try:
        handler = load(name)  # while the first event is still on its way
    except SystemExit:
        receive()  # end inside an invocation, so that somebody is told
        raise
    except BaseException as error:
        answer = ERROR, describe(error)
    while True:
        try:
            event, current = receive()
            if not answer:
                handler = handler or load(name)  # what failed once may work now
                answer = RESULT, marshal(handler(event, current))
        except SystemExit:
            raise
        except BaseException as error:
            answer = ERROR, describe(error)
        current = None
        send(*answer)
        answer = event = None


if __name__ == "__main__":
    posix.set_inheritable(INPUT, False)
    posix.set_inheritable(OUTPUT, False)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[0] = setting("LAMBDA_TASK_ROOT", "/var/task")
    sys.path += (  # what the site module would have added, at a quarter of a cold start
        f"/usr/local/lib/{python}/dist-packages",
        "/usr/lib/python3/dist-packages",
        f"{sys.prefix}/lib/{python}/site-packages",
    )
    builtins.exit = builtins.quit = sys.exit
    serve(setting("_HANDLER"))
