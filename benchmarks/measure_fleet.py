#!/usr/bin/python3
"""Measures what a fleet on this machine does with 1..N workers, beside one process that does it all.

Redis is queue and job store, a directory has code and functions. Prints a table; --json for machines.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
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
    """Submits them all, waits for their ends: jobs per second; then how long one takes, alone and at
    60 % of that."""
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
    busy = loaded(server, function, 0.6 * rate)
    return {"jobs_per_second": rate, "alone_p50_ms": percentile(lone, 0.5),
            "loaded_p50_ms": percentile(busy, 0.5), "loaded_p99_ms": percentile(busy, 0.99)}


def percentile(times, share):
    return sorted(times)[int(share * (len(times) - 1))]


def loaded(server, function, rate):
    """The milliseconds that calls take which come by chance, so many a second, for ten seconds;
    from when each was due, whether or not a client was free by then."""
    rng = random.Random(1)
    due, calls = time.monotonic() + 0.2, []
    for _ in range(max(100, int(rate * 10))):
        due += rng.expovariate(rate)
        calls.append(due)
    calls.reverse()
    times, lock, local = [], threading.Lock(), threading.local()

    def call(at):
        time.sleep(max(0.0, at - time.monotonic()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(server.rpartition("/")[2], timeout=120)
        local.connection.request("POST", f"/v1/functions/{function}/invoke", b"1",
                                 {"Content-Type": "application/json"})
        local.connection.getresponse().read()
        with lock:
            times.append((time.monotonic() - at) * 1000)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(call, reversed(calls)))
    return times


def cpu_seconds(fleet, prefix):
    """Of all processes so named, without their children."""
    total = 0
    for name, process in fleet.processes.items():
        if name.startswith(prefix):
            with open(f"/proc/{process.pid}/stat") as stat:
                total += sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def costs(fleet, jobs):
    """Milliseconds of processor time per job, by program: while jobs are submitted and no worker
    runs, and then while they run."""
    server = fleet.controllers[0]
    workers = [each for name, each in fleet.processes.items() if name.startswith("worker")]

    def post(_):
        urllib.request.urlopen(urllib.request.Request(
            f"{server}/v1/functions/nothing/jobs", b"1", {"Content-Type": "application/json"},
            method="POST"), timeout=120).read()

    before = ended(server)
    marks = [{}]
    programs = ("controller", "redis", "worker")
    for each in workers:
        each.send_signal(signal.SIGSTOP)
    marks[0] = {name: cpu_seconds(fleet, name) for name in programs}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(post, range(jobs)))
    marks.append({name: cpu_seconds(fleet, name) for name in programs})
    began = time.monotonic()
    for each in workers:
        each.send_signal(signal.SIGCONT)
    wait_until("jobs", 300, lambda: ended(server) - before >= jobs)
    seconds = time.monotonic() - began
    marks.append({name: cpu_seconds(fleet, name) for name in programs})
    spent = {phase: {name: (marks[i + 1][name] - marks[i][name]) * 1000 / jobs for name in programs}
             for i, phase in enumerate(("submit", "run"))}
    return {"cpu_ms": spent, "drained_per_second": jobs / seconds}


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
    parser.add_argument("--costs", type=int, default=2000, metavar="JOBS",
                        help="jobs to measure the processor time of each program by; 0: do not")
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
                          "alone p50 {alone_p50_ms:6.1f} ms  at 60 % load p50 {loaded_p50_ms:6.1f} ms  "
                          "p99 {loaded_p99_ms:6.1f} ms".format(**row), flush=True)
            if workers and options.costs:
                rows.append({"workers": workers, **costs(fleet, options.costs)})
                if not options.json:
                    print_costs(rows[-1])
    if options.json:
        print(json.dumps(rows, indent=1))


def print_costs(row):
    for phase, programs in row["cpu_ms"].items():
        print(f"    processor ms per job to {phase:<6} "
              + "  ".join(f"{name} {value:.3f}" for name, value in programs.items()))
    print(f"    worked off {row['drained_per_second']:.0f} jobs/s", flush=True)


if __name__ == "__main__":
    main()
