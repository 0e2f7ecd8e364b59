"""What goes wrong in a fleet. Each kind of fault has a thread and numbers of its own, made from the
seed; what they meet is up to the machine."""
import os
import random
import signal
import threading
import time


class Nemeses:
    """Works on a fleet until it is ended, and leaves it whole."""

    def __init__(self, fleet, history, seed, kinds, lease, every):
        self.fleet, self.history, self.lease, self.every = fleet, history, lease, every
        self.over = threading.Event()
        self.counts = {kind: 0 for kind in kinds}
        self.threads = [threading.Thread(target=self.work, args=(kind, seed), daemon=True)
                        for kind in kinds]
        for thread in self.threads:
            thread.start()

    def work(self, kind, seed):
        try:
            self.haunt(kind, seed)
        except Exception as why:  # a nemesis must not end with its thread
            self.fleet.trouble.append(f"nemesis {kind}: {why!r}")

    def haunt(self, kind, seed):
        rng = random.Random(f"{seed}:{kind}")
        act = getattr(self, kind.replace("-", "_"))
        while not self.over.wait(rng.expovariate(1 / self.every)):
            t0 = time.monotonic()
            target = act(rng)
            self.counts[kind] += 1
            self.history.add("fault", kind=kind, target=target, t0=t0, t=time.monotonic())

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def any(self, rng):
        return rng.choice(self.fleet.links)

    def worker_kill(self, rng):
        worker = rng.choice(self.fleet.workers)
        self.fleet.programs[worker].kill(rng.uniform(0, 2))
        return worker

    def controller_kill(self, rng):
        controller = rng.choice(list(self.fleet.controllers))
        self.fleet.programs[controller].kill(rng.uniform(0, 2))
        return controller

    def redis_kill(self, rng):
        self.fleet.programs["redis"].kill(rng.uniform(0, 1))
        return "redis"

    def stop(self, rng):
        """Longer than its lease and than a sweeper waits; somebody else has its jobs then."""
        worker = rng.choice(self.fleet.workers)
        t0 = time.monotonic()
        self.fleet.programs[worker].signal(signal.SIGSTOP)
        self.over.wait(self.lease * rng.uniform(1, 4) + 2)
        now = time.monotonic()
        for name in (worker, "real") if worker.startswith("real") else (worker,):
            self.history.add("stop", worker=name, t0=t0, t=now)  # whose runs are told as "real"'s
        self.fleet.programs[worker].signal(signal.SIGCONT)
        return worker

    def reset(self, rng):
        target = self.any(rng)
        self.fleet.link(target, reset=True)
        return target

    def latency(self, rng):
        target = self.any(rng)
        self.fleet.link(target, latency=rng.choice((0.005, 0.05, 0.2)))
        self.over.wait(rng.uniform(0.5, 3))
        self.fleet.link(target, latency=0)
        return target

    def partition(self, rng):
        """One way, mostly. What was sent meanwhile arrives late, or never."""
        target = self.any(rng)
        self.fleet.link(target, block=rng.choice((["up"], ["down"], ["up", "down"])))
        self.over.wait(self.lease * rng.uniform(0.2, 4))
        if rng.random() < 0.5:
            self.fleet.link(target, reset=True)
        self.fleet.link(target, block=[])
        return target

    def clock(self, rng):
        worker = rng.choice(self.fleet.workers)
        self.fleet.set_clock(worker, rng.choice((-3600, -60, -2, 2, 10)))
        self.over.wait(rng.uniform(0.5, 4))
        self.fleet.set_clock(worker, 0)
        return worker

    def aws_errors(self, rng):
        """A program's requests to AWS, or everybody's: refused, cut off, slow, or without answer."""
        links = [each for each in self.fleet.links if each.endswith(".aws")]
        targets = links if rng.random() < 0.3 else [rng.choice(links)]
        share = rng.choice((0.1, 0.3, 0.9))
        for each in targets:
            self.fleet.link(each, errors=share, seed=rng.random())
        self.over.wait(rng.uniform(0.5, 4))
        for each in targets:
            self.fleet.link(each, errors=0)
        return ", ".join(targets)

    def disk(self, rng):
        """No room for objects, in a file system of their own."""
        filler = self.fleet.directory / "objects" / ".filler"
        file = os.open(filler, os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(file, b"x" * (1 << 20)) > 0:
                pass
        except OSError:
            pass
        os.close(file)
        self.over.wait(rng.uniform(0.5, 3))
        os.unlink(filler)
        return "objects"


KINDS = ("worker-kill", "controller-kill", "redis-kill", "stop", "reset", "latency", "partition",
         "clock", "disk", "aws-errors")
