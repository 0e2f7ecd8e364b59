"""A fleet of real processes that are started again when they die: Redis, a proxy before it,
controllers, workers."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from stacks import PLAIN

HERE = pathlib.Path(__file__).parent
READY = {"controller": "listening on", "worker": "working", "redis": "Ready to accept",
         "aws": "Running on"}


def free_port(taken=set()):
    """One that stays free while nobody listens: none that the system gives to others."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in taken:
            taken.add(port)
            return port


class Program:
    """One place in the fleet; a process after the other fills it."""

    def __init__(self, name, kind, command, env, logs):
        self.name, self.kind, self.command = name, kind, command
        self.env = {**PLAIN, **env}
        self.logs = logs
        self.lock = threading.RLock()
        self.process = None
        self.log = None
        self.starts = 0
        self.held_until = 0  # not started again before
        self.stopped = False  # by SIGSTOP

    def start(self):
        with self.lock:
            self.starts += 1
            self.log = self.logs / f"{self.name}.{self.starts}.log"
            with open(self.log, "wb") as log:
                self.process = subprocess.Popen(self.command, env=self.env, stdout=log,
                                                stderr=subprocess.STDOUT,
                                                stdin=subprocess.DEVNULL)

    def is_ready(self):
        return READY[self.kind] in self.log.read_text(errors="replace")

    def wait_ready(self, seconds=120):
        end = time.monotonic() + seconds
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name}: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def kill(self, for_seconds=0.0):
        with self.lock:
            self.held_until = time.monotonic() + for_seconds
            if self.process.poll() is None:
                self.process.kill()

    def signal(self, how):
        with self.lock:
            if self.process.poll() is None:
                self.process.send_signal(how)


class Fleet:
    """Everything in `directory`. `trouble` gets what no fault explains."""

    def __init__(self, directory, programs, options, make_stack, max_crashes):
        self.directory = pathlib.Path(directory)
        self.trouble = []
        self.deaths = 0  # of programs that were started again
        self.spoiled = {}  # requests, by what went wrong with them
        self.logs = self.directory / "logs"
        for name in ("logs", "redis", "objects", "home"):
            (self.directory / name).mkdir()
        self.recorder = self.directory / "runs"
        self.recorder.touch()
        self.programs = {}
        self.stack = make_stack(self.directory, free_port)
        self.services = [name for name, _, _ in self.stack.services()]
        for name, command, env in self.stack.services():
            self.add(name, name, command, env)
        self.workers = [f"fast{i}" for i in range(options.fast_workers)]
        self.workers += [f"real{i}" for i in range(options.workers)]
        self.controllers = {f"controller{i}": free_port() for i in range(options.controllers)}
        links = {program + behind: target for behind, target in self.stack.links.items()
                 for program in [*self.workers, *self.controllers]}
        self.links = [name for name in links if name.endswith(self.stack.spoiled)]
        self.proxy = subprocess.Popen(
            [sys.executable, "-B", HERE / "proxy.py", *map("=".join, links.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "FAULTS_SENT": str(self.directory / "sent")})
        self.ports = json.loads(self.proxy.stdout.readline())
        self.proxy_lock = threading.Lock()
        for name, port in self.controllers.items():
            self.add(name, "controller", [programs["controller"]], {
                **self.settings(name), "NANOGRID_LISTEN": f"127.0.0.1:{port}",
                "NANOGRID_WORKER": "false"})
        for name in self.workers:
            clock = self.directory / f"{name}.clock"
            clock.write_text("0")
            env = {**self.settings(name), "NANOGRID_NAME": name,
                   "NANOGRID_SLOTS": str(options.slots), "NANOGRID_LEASE": f"{options.lease}s",
                   "NANOGRID_DEAD_LETTERS": self.stack.dead_letters(name, self.ports),
                   "FAULTS_RECORDER": str(self.recorder), "FAULTS_MAX_CRASHES": str(max_crashes),
                   "FAULTS_CLOCK": str(clock), "LD_PRELOAD": programs["wrong_clock"],
                   "ASAN_OPTIONS": "verify_asan_link_order=0"}
            which = "fast_worker" if name.startswith("fast") else "worker"
            self.add(name, "worker", [programs[which]], env)
        self.ending = threading.Event()
        self.keeper = threading.Thread(target=self.keep, daemon=True)

    def settings(self, name):
        return {**self.stack.settings(name, self.ports),
                "NANOGRID_PACKAGES": f"{self.directory}/packages.{name}",
                "HOME": str(self.directory / "home")}

    def add(self, name, kind, command, env):
        self.programs[name] = Program(name, kind, command, env, self.logs)

    def start(self):
        for kinds in (self.services, ["controller"], ["worker"]):
            group = [each for each in self.programs.values() if each.kind in kinds]
            for each in group:
                each.start()
            for each in group:
                each.wait_ready()
            if kinds is self.services:
                self.stack.prepare()
        self.keeper.start()

    def urls(self):
        return {name: ("127.0.0.1", port) for name, port in self.controllers.items()}

    def link(self, name, **what):
        with self.proxy_lock:
            self.proxy.stdin.write(json.dumps({"link": name, **what}) + "\n")
            self.proxy.stdin.flush()

    def set_clock(self, worker, seconds):
        path = self.directory / f"{worker}.clock"
        new = path.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(path)  # nobody reads half of it

    def keep(self):
        """Starts again who has died."""
        while not self.ending.wait(0.03):
            for program in self.programs.values():
                with program.lock:
                    if program.process.poll() is None or program.held_until > time.monotonic():
                        continue
                    self.judge(program)
                    self.deaths += 1
                    program.start()
                    if program.kind in self.services:
                        continue
                    program.held_until = time.monotonic() + 0.2

    def judge(self, program):
        """Who is not killed, and had started, has no reason to end."""
        code = program.process.returncode
        if code == -signal.SIGKILL or (code > 0 and not program.is_ready()):
            return
        said = program.log.read_text(errors="replace")[-3000:]
        self.trouble.append(f"{program.name} ended by itself with {code}: {said}")

    def end(self):
        """Kills all; then complains of what sanitizers found."""
        self.ending.set()
        if self.keeper.is_alive():
            self.keeper.join()
        for program in self.programs.values():
            if program.process is not None and program.process.poll() is None:
                program.process.kill()
                program.process.wait()
        if self.proxy.returncode is None:
            said, _ = self.proxy.communicate(timeout=60)
            self.spoiled = json.loads(said)
        for log in sorted(self.logs.iterdir()):
            text = log.read_text(errors="replace")
            if "Sanitizer" in text or "runtime error:" in text:
                self.trouble.append(f"{log.name}: {text[-3000:]}")
