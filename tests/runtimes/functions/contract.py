# Does what its event says; see contract_test.cc.
import os
import sys


class Oops(Exception):
    pass


def handler(event, context):
    if event == "context":
        return {
            "request_id": context.aws_request_id,
            "name": context.function_name,
            "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "limited": context.deadline is not None,
            "hurry": context.get_remaining_time_in_millis() < 2000000000,
            "late": context.get_remaining_time_in_millis() == 0,
        }
    if event == "print":
        print("first")
        print("second", file=sys.stderr)
        print("no newline", end="")
        return None
    if event == "print much":
        for _ in range(5000):
            print("x" * 99)
        return None
    if event == "throw":
        raise Oops('no "good" ünd\n')
    if event == "child":
        os.system("test -e /proc/self/fd/3 && echo open || echo closed")
        return None
    if event == "progress":
        context.report_progress({"done": 0.5})
        context.report_progress("nearly")
        try:
            context.report_progress("x" * 4000)
        except ValueError:
            return None
        return "too long"
    if event == "exit":
        sys.exit(7)
    return event
