#!/usr/bin/python3
"""Runs jobs in a fleet in which everything goes wrong, and checks what became of them.

  tests/faults/run.py --build build/dev --seed 1 --seeds 10 --jobs 2000 --seconds 60

A seed decides what is asked for and which faults come; when they meet is the machine's doing. On a
violation the history is kept, and the exit status is 1."""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import check
import clients
import fleet
import nemeses
import stacks
import stores

HERE = pathlib.Path(__file__).parent
SETTLE = 240  # seconds, until everything has ended when all faults are over
WATCHER = "watcher of all"
STACKS = {"redis": stacks.RedisStack, "aws": stacks.AwsStack, "fifo": stacks.FifoStack}


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, help="folder of a build, for the programs")
    for program in ("controller", "worker", "fast-worker", "wrong-clock"):
        parser.add_argument(f"--{program}", type=pathlib.Path)
    parser.add_argument("--stack", choices=("redis", "aws", "fifo"), default="redis",
                        help="Redis; SQS, S3 and DynamoDB of moto; these with a FIFO queue")
    parser.add_argument("--short", action="store_true", help="one seed, few jobs, for a test-suite")
    parser.add_argument("--seed", type=int, help="the first one (default: by chance)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2000, help="per seed")
    parser.add_argument("--seconds", type=float, default=60, help="of faults, per seed")
    parser.add_argument("--nemeses", help="default: all that the stack has")
    parser.add_argument("--every", type=float,
                        help="seconds between faults of a kind (default: 4; fifo: 8)")
    parser.add_argument("--controllers", type=int, default=2)
    parser.add_argument("--fast-workers", type=int, default=3, help="without a sandbox")
    parser.add_argument("--workers", type=int, help="with real sandboxes (default: 1; fifo: 0)")
    parser.add_argument("--poisons", type=int, default=2, help="jobs that kill their workers")
    parser.add_argument("--slots", type=int, help="of each worker (default: 4; fifo: 1)")
    parser.add_argument("--lease", type=int, help="seconds (default: 1; fifo: 3)")
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--keep", action="store_true", help="history and logs, in any case")
    options = parser.parse_args()
    if options.short:
        options.jobs = 300 if options.stack == "redis" else 100
        options.seconds, options.every, options.poisons = 15, 3, 1
    fifo = options.stack == "fifo"  # one after the other: whoever fails, all wait
    options.every = options.every or (8 if fifo else 4)
    options.lease = options.lease or (3 if fifo else 1)
    options.slots = options.slots or (1 if fifo else 4)
    if options.workers is None:
        options.workers = 0 if fifo else 1  # they lease messages for long: the others would wait
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 16)
    if options.build:
        options.controller = options.build / "bin/nanogrid-controller"
        options.worker = options.build / "bin/nanogrid-worker"
        options.fast_worker = options.build / "tests/faults_worker"
        options.wrong_clock = options.build / "tests/libfaults_wrong_clock.so"
    kinds = [kind for kind in nemeses.KINDS if kind not in STACKS[options.stack].without]
    options.kinds = kinds
    if options.nemeses is not None:
        options.kinds = [kind for kind in options.nemeses.split(",") if kind]
    for kind in options.kinds:
        if kind not in kinds:
            parser.error(f"--nemeses '{kind}': must be of {', '.join(kinds)}")
    return options


def own_mounts():
    """As root: in a mount namespace of its own, so that whatever is mounted goes with it."""
    if os.geteuid() == 0 and "FAULTS_MOUNTS" not in os.environ:
        os.environ["FAULTS_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              "-B", *sys.argv])


def mount_objects(directory):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "objects",
                    directory / "objects"], check=True)


class Seed:
    def __init__(self, options, seed, directory):
        self.options, self.seed, self.directory = options, seed, directory
        self.history = clients.History()
        self.rules = check.Rules(lease=options.lease, max_crashes=3)
        programs = {"controller": options.controller.resolve(), "worker": options.worker.resolve(),
                    "fast_worker": options.fast_worker.resolve(),
                    "wrong_clock": str(options.wrong_clock.resolve())}
        self.fleet = fleet.Fleet(directory, programs, options, STACKS[options.stack],
                                 self.rules.max_crashes)

    def run(self):
        """The line of the table."""
        options = self.options
        if "disk" in options.kinds:
            mount_objects(self.directory)
        began = time.monotonic()
        try:
            self.fleet.start()
            violations = self.play()
        finally:
            self.fleet.end()
        violations += self.fleet.trouble
        self.row["seconds"] = round(time.monotonic() - began)
        self.row["violations"] = len(violations)
        return self.row, violations

    def play(self):
        options = self.options
        rng = random.Random(f"{self.seed}:run")
        until = time.monotonic() + options.seconds + SETTLE
        client = clients.Client(self.fleet.urls(), self.history, rng)
        client.register((HERE / "functions.py").read_text(), until)
        watched = threading.Event()
        watcher = threading.Thread(target=clients.Client(self.fleet.urls(), self.history, rng).stream,
                                   args=("/v1/events", WATCHER, until, watched),
                                   daemon=True)
        watcher.start()
        crowd = clients.Crowd(self.fleet, self.history, self.seed, options.jobs, options.poisons,
                              options.seconds * 0.9, until, options.clients)
        troubles = nemeses.Nemeses(self.fleet, self.history, self.seed, options.kinds,
                                   options.lease, options.every)
        end = time.monotonic() + options.seconds
        while time.monotonic() < end and any(each.is_alive() for each in crowd.threads):
            time.sleep(0.1)
        troubles.end()
        crowd.wait()
        known = {entry["job"] for entry in self.history.entries if entry["type"] == "ack"}
        stores.wait_for_all(client, known, until)
        jobs = stores.read_jobs(client, self.history, until + SETTLE, options.workers > 0)
        stores.read_letters(self.fleet.stack, self.history)
        watched.set()
        self.fleet_is_killed_before_runs_are_read()
        stores.read_runs(self.fleet.recorder, self.history)
        stores.read_order(self.fleet.stack, self.history, WATCHER)
        self.row = self.figures(jobs, crowd, troubles)
        return check.check(self.history.entries, self.rules) + crowd.failures

    def fleet_is_killed_before_runs_are_read(self):
        """Nothing is written any more."""
        self.fleet.end()

    def figures(self, jobs, crowd, troubles):
        times = sorted(crowd.times)
        def percentile(share):
            return round(times[int(share * (len(times) - 1))], 2) if times else None
        outcomes = {}
        for job in jobs:
            outcomes[job["status"]] = outcomes.get(job["status"], 0) + 1
        return {"seed": self.seed, "jobs": len(jobs), "acknowledged": crowd.acknowledged,
                "outcomes": outcomes, "attempts": sum(job["attempt"] for job in jobs),
                "crashes": sum(job.get("crashes", 0) for job in jobs),
                "faults": dict(troubles.counts), "requests_spoiled": self.fleet.spoiled,
                "restarts": self.fleet.deaths,
                "calls_again": crowd.errors, "waited_in_vain": len(crowd.given_up),
                "p50_s": percentile(0.5), "p99_s": percentile(0.99),
                "max_s": percentile(1.0)}


def keep(directory, seed, history, violations):
    kept = pathlib.Path(tempfile.mkdtemp(prefix=f"nanogrid-faults-{seed}-"))
    with open(kept / "history.jsonl", "w") as file:
        for entry in history:
            file.write(json.dumps(entry) + "\n")
    (kept / "violations").write_text("".join(f"{each}\n" for each in violations))
    shutil.copytree(directory / "logs", kept / "logs")
    return kept


def print_row(row):
    for name, value in row.items():
        if isinstance(value, dict):
            value = ", ".join(f"{each} {count}" for each, count in value.items())
        print(f"  {name.replace('_', ' '):16} {value}")
    sys.stdout.flush()


def main():
    options = parse()
    if missing := STACKS[options.stack].missing():
        print(f"SKIPPED: {missing}")
        return 0
    if "disk" in options.kinds and os.geteuid() != 0:
        print("without 'disk': only root can mount a small file system", flush=True)
        options.kinds.remove("disk")
    own_mounts()
    failed = 0
    totals = {"jobs": 0, "acknowledged": 0, "attempts": 0, "violations": 0}
    faults = {}
    for seed in range(options.seed, options.seed + options.seeds):
        print(f"seed {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="nanogrid-faults-") as directory:
            run = Seed(options, seed, pathlib.Path(directory))
            try:
                row, violations = run.run()
                print_row(row)
                if violations or options.keep:
                    kept = keep(pathlib.Path(directory), seed, run.history.entries, violations)
                    print(f"  history and logs in {kept}")
                for violation in violations[:20]:
                    print(f"  VIOLATION {violation}")
            finally:
                if "disk" in options.kinds:
                    subprocess.run(["umount", "-l", pathlib.Path(directory) / "objects"],
                                   check=False)
        failed += bool(violations)
        for name in totals:
            totals[name] += row[name]
        for kind, count in row["faults"].items():
            faults[kind] = faults.get(kind, 0) + count
    if options.seeds > 1:
        print("all")
        print_row({"seeds": options.seeds, **totals, "faults": faults})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
