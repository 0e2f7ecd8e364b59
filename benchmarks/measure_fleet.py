#!/usr/bin/python3
"""Measures what a fleet on this machine does with 1..N workers, beside one process that does it all.

Redis is queue and job store, a directory has code and functions. Prints a table; --json for machines.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples" / "fleet"))
from processes import Fleet, wait_until  # noqa: E402

FUNCTIONS = {
    "nothing": "def handler(event, context):\n    return event\n",
    "waits": "import time\ndef handler(event, context):\n    time.sleep(0.1)\n    return event\n",
    "computes": "def handler(event, context):\n    return sum(i * i for i in range(200000))\n",
}


def start(fleet, workers, slots):
    """A fleet of so many workers; 0: a controller that does it all, on SQLite."""
    data = fleet.directory / "data"
    lines = [f'data = "{data}"', f"slots = {slots}", f"worker = {'false' if workers else 'true'}"]
    if workers:
        lines += [f'queue = "{fleet.redis}"', f'jobs = "{fleet.redis}"']
        fleet.start("redis", ["redis-server", "--port", fleet.redis.rpartition(":")[2], "--bind",
                              "127.0.0.1", "--dir", str(fleet.directory), "--appendonly", "yes",
                              "--appendfsync", "everysec", "--save", ""])
        time.sleep(0.5)
    configuration = fleet.directory / "fleet.toml"
    configuration.write_text("\n".join(lines) + "\n")
    fleet.start_controller("controller", str(configuration))
    for number in range(workers):
        fleet.start_worker(f"worker-{number + 1}", str(configuration))
    for name, source in FUNCTIONS.items():
        path = fleet.directory / f"{name}.py"
        path.write_text(source)
        subprocess.run([str(fleet.programs / "nanogrid"), "deploy", str(path), "--server",
                        fleet.controllers[0]], check=True, capture_output=True)


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def run(fleet, function, jobs):
    """Submits them all, waits for their ends: jobs per second, p50 and p99 of a lone job in ms."""
    server = fleet.controllers[0]

    def post(kind):
        request = urllib.request.Request(f"{server}/v1/functions/{function}/{kind}", b"1",
                                         {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()

    for _ in range(10):
        post("invoke")  # instances are warm
    before = ended(server)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: post("jobs"), range(jobs)))
    wait_until("jobs", 300, lambda: ended(server) - before >= jobs)
    rate = jobs / (time.monotonic() - began)
    lone = []
    for _ in range(50):
        start_of_one = time.monotonic()
        post("invoke")
        lone.append((time.monotonic() - start_of_one) * 1000)
    lone.sort()
    return {"jobs_per_second": rate, "p50_ms": lone[25], "p99_ms": lone[-1]}


def ended(server):
    with urllib.request.urlopen(server + "/metrics", timeout=60) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('nanogrid_jobs{state="SUCCESS"}'):
                return int(line.split()[-1])
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", default="build/release/bin", metavar="DIR")
    parser.add_argument("--workers", default="0,1,2,4", help="numbers of workers; 0: embedded")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for workers in map(int, options.workers.split(",")):
        with tempfile.TemporaryDirectory() as directory, Fleet(options.programs, directory) as fleet:
            start(fleet, workers, options.slots)
            for function in FUNCTIONS:
                row = {"workers": workers, "function": function,
                       **run(fleet, function, options.jobs)}
                rows.append(row)
                if not options.json:
                    print("{workers:>3} workers  {function:<9} {jobs_per_second:8.0f} jobs/s  "
                          "alone p50 {p50_ms:6.1f} ms  worst of 50 {p99_ms:6.1f} ms".format(**row), flush=True)
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
