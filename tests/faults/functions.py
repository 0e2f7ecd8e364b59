"""What functions of the fault tests do in a real sandbox. fast_worker.cc does the same without one."""
import json
import os
import random
import time


def handler(event, context):
    token = os.urandom(8).hex()

    def record(what):  # its log is what a checker reads
        print("@", what, token, repr(time.time()), flush=True)

    record("B")
    until = time.monotonic() + event["ms"] / 1000
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))
        record("S")
    if event["do"] == "poison":  # it cannot kill its worker: somebody else does
        time.sleep(600)
    record("E")
    if event["do"] == "fail" or (event["do"] == "flaky" and random.random() < 0.5):
        raise RuntimeError("as the event says")
    return {"token": token, "padding": "x" * event["bytes"]}
