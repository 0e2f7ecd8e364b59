#!/usr/bin/python3
"""Runs jobs on a fleet while parts of it are killed, and says what became of every job."""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from processes import Fleet

FUNCTIONS = ("hello.py", "hello.js", "hello.cpp", "hello.sh")
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "functions"


def call(fleet, method, path, body=None, headers=None, first=0):
    """Asks one controller after another, until one answers."""
    for attempt in range(60):
        url = fleet.controllers[(first + attempt) % len(fleet.controllers)] + path
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()[:500]}")
        except (OSError, ValueError):
            pass  # it was killed: ask the other one
        time.sleep(0.2)
    raise SystemExit(f"{method} {path}: no controller answers")


def deploy(fleet):
    for number, function in enumerate(FUNCTIONS):
        server = fleet.controllers[number % len(fleet.controllers)]
        deployed = subprocess.run(
            [str(fleet.programs / "nanogrid"), "deploy", str(EXAMPLES / function),
             "--name", function.replace(".", "-"), "--server", server],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print("  " + (deployed.stderr or deployed.stdout).strip(), flush=True)
        if deployed.returncode != 0:
            raise SystemExit(f"{function}: not deployed")


def submit(fleet, number):
    name = FUNCTIONS[number % len(FUNCTIONS)].replace(".", "-")
    job = call(fleet, "POST", f"/v1/functions/{name}/jobs", b'{"name": "Ada"}',
               {"Content-Type": "application/json", "Idempotency-Key": f"job-{number}"}, number)
    return job["job_id"], time.monotonic()


def follow(fleet, ids, seconds):
    """Until all have ended: their records, and when each was first seen to have ended."""
    ended = {}
    deadline = time.monotonic() + seconds
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        while len(ended) < len(ids) and time.monotonic() < deadline:
            left = [job for job in ids if job not in ended]
            for job in pool.map(lambda job: call(fleet, "GET", f"/v1/jobs/{job}"), left[:200]):
                if job["status"] in ("SUCCESS", "FAILED", "CANCELLED"):
                    ended[job["job_id"]] = job
            print(f"\r  {len(ended)} of {len(ids)} have ended ", end="", flush=True)
            time.sleep(0.1)
    print()
    return ended


def seconds_between(job):
    parse = lambda text: time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:23])
    return parse(job["finished"]) - parse(job["created"])


def report(ids, ended):
    times = sorted(seconds_between(job) for job in ended.values())
    states = collections.Counter(job["status"] for job in ended.values())
    workers = collections.Counter(job["worker"] for job in ended.values())
    repeated = sum(job["attempt"] > 1 for job in ended.values())
    lost, doubled = len(ids) - len(ended), len(ids) - len(set(ids.values()))
    print(f"""
  jobs       {len(ids)}
  ended      {", ".join(f"{count} {state}" for state, count in states.items())}
  lost       {lost}
  doubled    {doubled}
  repeated   {repeated} (their worker was killed)
  p50 / p99  {times[len(times) // 2]:.2f} s / {times[int(len(times) * 0.99)]:.2f} s from submission to end
  ran on     {", ".join(f"{name}: {count}" for name, count in sorted(workers.items()))}""")
    return lost == 0 and doubled == 0 and states == {"SUCCESS": len(ids)}


def run(fleet, count):
    print("== Redis, a double of AWS, two controllers, three workers", flush=True)
    fleet.start_services()
    configuration = fleet.write_configuration()
    for name in ("controller-1", "controller-2"):
        fleet.start_controller(name, configuration)
        print(f"  {name} at {fleet.controllers[-1]}", flush=True)
    for name in ("worker-1", "worker-2", "worker-3"):
        fleet.start_worker(name, configuration)
        print(f"  {name}", flush=True)
    print("== Functions in four languages", flush=True)
    deploy(fleet)
    print(f"== {count} jobs; a worker and a controller are killed on the way", flush=True)
    began = time.monotonic()
    ids = {}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        submissions = [pool.submit(submit, fleet, number) for number in range(count)]
        for done, submission in enumerate(concurrent.futures.as_completed(submissions)):
            if done == count // 3:
                fleet.kill("worker-2")
                print("  worker-2 is killed", flush=True)
            if done == count // 2:
                fleet.kill("controller-1")
                print("  controller-1 is killed", flush=True)
    for number, submission in enumerate(submissions):
        ids[number] = submission.result()[0]
    print(f"  all submitted after {time.monotonic() - began:.1f} s", flush=True)
    ended = follow(fleet, list(ids.values()), 150)
    print(f"  {time.monotonic() - began:.1f} s in all")
    return report(ids, ended)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, metavar="DIR", help="with nanogrid-controller and nanogrid-worker")
    parser.add_argument("--jobs", type=int, default=1000, metavar="N")
    parser.add_argument("--keep", metavar="DIR", help="work here and keep it, logs included")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nanogrid-fleet-") as directory:
        if options.keep:
            pathlib.Path(options.keep).mkdir(parents=True, exist_ok=True)
        with Fleet(options.programs, options.keep or directory) as fleet:
            good = run(fleet, options.jobs)
    print("\nEvery job ran to its end, once." if good else "\nSomething went wrong.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
