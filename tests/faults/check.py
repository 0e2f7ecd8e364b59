"""Decides from everything that clients, workers and stores saw whether the fleet kept its promises.

A history is a list of entries, dicts with "type" and, but for what is looked up at the end, times "t"
on the machine's monotonic clock (reads: from "t0" to "t"):
  ack      key, job, do           a submit was acknowledged; do: what the function was told to do
  cancel   job, status            a cancel was acknowledged, with the job as it was then
  read     job, status, revision, attempt    a client saw the job
  answer   job, status            an invocation was answered
  event    watcher, job, status, revision, attempt   in the order in which a watcher got them
  run      what B S E, job, token, worker    a function began, took a step, ended
  stop     worker, t0, t          a worker was stopped by SIGSTOP, and goes on at t
  final    job, status, revision, attempt, lost, crashes, dead_letter, token (of the result)
  log      job, events            [[revision, status, attempt], ...] as the store has them at the end
  letter   job, reason            in the dead-letter queue
  fifo     group, message         a job was begun for the first time; the number of its message in its
                                  group of a FIFO queue
"""
import collections

TERMINAL = ("SUCCESS", "FAILED", "CANCELLED")
DIED = "workers died while they ran it"


class Rules:
    """What the fleet was set up with."""

    def __init__(self, lease=1.0, grace=1.0, max_crashes=3, dead_letters=True):
        self.lease = lease  # seconds
        self.grace = grace  # of an overloaded machine, until what was asked for is done
        self.max_crashes = max_crashes
        self.dead_letters = dead_letters


class Job:
    def __init__(self):
        self.acks, self.cancels, self.reads, self.events = [], [], [], []
        self.answers = []
        self.final, self.log, self.letters = None, None, []
        self.runs = {}  # by token, in the order in which they began

    def first_end_seen(self):
        return min((each["t"] for each in self.reads if each["status"] in TERMINAL), default=None)


class Run:
    def __init__(self, entry):
        self.token, self.worker, self.begin = entry["token"], entry["worker"], entry["t"]
        self.last, self.ended = self.begin, False

    def add(self, entry):
        self.last = max(self.last, entry["t"])
        self.ended = self.ended or entry["what"] == "E"


def check(history, rules=None):
    """The violations, one line each; none: all is well."""
    return Checker(rules or Rules(), history).check()


class Checker:
    def __init__(self, rules, history):
        self.rules = rules
        self.found = []
        self.jobs = collections.defaultdict(Job)
        self.stops = collections.defaultdict(list)
        self.fifo = []
        lists = {"ack": "acks", "cancel": "cancels", "read": "reads", "event": "events",
                 "answer": "answers", "letter": "letters"}
        for entry in history:
            kind = entry["type"]
            if kind == "stop":
                self.stops[entry["worker"]].append(entry)
            elif kind == "fifo":
                self.fifo.append(entry)
            elif kind in lists:
                getattr(self.jobs[entry["job"]], lists[kind]).append(entry)
            elif kind == "final":
                self.jobs[entry["job"]].final = entry
            elif kind == "log":
                self.jobs[entry["job"]].log = entry["events"]
        for entry in sorted((e for e in history if e["type"] == "run"), key=lambda e: e["t"]):
            runs = self.jobs[entry["job"]].runs
            runs.setdefault(entry["token"], Run(entry)).add(entry)

    def check(self):
        self.check_keys()
        self.check_order()
        for name, job in self.jobs.items():
            def say(text, name=name):
                self.found.append(f"{name}: {text}")
            self.check_kept(job, say)
            self.check_reads(job, say)
            self.check_events(job, say)
            self.check_log(job, say)
            self.check_runs(job, say)
            self.check_after_end(job, say)
            if job.final:
                self.check_result(job, say)
                self.check_outcome(job, say)
                self.check_letters(job, say)
        return self.found

    def check_keys(self):
        """The same key is the same job."""
        jobs = {}
        for name, job in self.jobs.items():
            for ack in job.acks:
                if ack["key"] and jobs.setdefault(ack["key"], name) != name:
                    self.found.append(f"{name}: under key {ack['key']}, as {jobs[ack['key']]}")

    def check_order(self):
        """Jobs are begun in the order in which their messages came into a FIFO group."""
        last = {}
        for entry in self.fifo:
            if entry["message"] <= last.get(entry["group"], -1):
                self.found.append(f"group {entry['group']}: {entry['message']} after "
                                  f"{last[entry['group']]}")
            last[entry["group"]] = max(entry["message"], last.get(entry["group"], -1))

    def check_kept(self, job, say):
        """What was acknowledged is there at the end, and has ended."""
        if job.acks and job.final is None:
            return say("was acknowledged and is lost")
        if job.final is None:
            return say("was seen, and is not there at the end")
        if job.final["status"] not in TERMINAL:
            say(f"is {job.final['status']} at the end")

    @staticmethod
    def check_reads(job, say):
        """One end, the same for everybody; and nobody sees a job go back in time."""
        seen = job.reads + job.events + job.cancels + ([job.final] if job.final else [])
        ends = {(each["status"], each.get("revision")) for each in seen
                if each["status"] in TERMINAL and each["type"] != "cancel"}
        if len(ends) > 1:
            say(f"has ended in different ways: {sorted(ends, key=str)}")
        for answer in job.answers:
            if job.final and answer["status"] != job.final["status"]:
                say(f"an invocation was answered {answer['status']}, and it is "
                    f"{job.final['status']}")
        newest = None  # the read that ended before this one began, with the highest revision
        ended = sorted(job.reads, key=lambda each: each["t"])
        done = 0
        for read in sorted(job.reads, key=lambda each: each["t0"]):
            while done < len(ended) and ended[done]["t"] < read["t0"]:
                if newest is None or ended[done]["revision"] > newest["revision"]:
                    newest = ended[done]
                done += 1
            if newest and read["revision"] < newest["revision"]:
                say(f"was at revision {newest['revision']} {newest['status']}, then at "
                    f"{read['revision']} {read['status']}")
        if job.final and any(read["revision"] > job.final["revision"] for read in job.reads):
            say(f"has revision {job.final['revision']} at the end, and was seen at a later one")

    @staticmethod
    def check_events(job, say):
        """A watcher gets each revision once and in order, and they mean the same to all."""
        at, means = {}, {}
        for event in job.events:
            revision, watcher = event["revision"], event["watcher"]
            before = at.get(watcher, revision - 1)
            if revision != before + 1:
                say(f"{watcher} got revision {revision} after {before}")
            at[watcher] = revision
            what = (event["status"], event["attempt"])
            if means.setdefault(revision, what) != what:
                say(f"revision {revision} is {means[revision]} and {what}")

    @staticmethod
    def check_log(job, say):
        """The store's events: revisions from 1 without a gap, an end, and nothing behind it."""
        if job.log is None:
            return
        revisions = [event[0] for event in job.log]
        if revisions != list(range(1, len(revisions) + 1)):
            say(f"has events {revisions}")
        if job.final and job.final["revision"] != len(revisions):
            say(f"is at revision {job.final['revision']} with events {revisions}")
        ends = [event for event in job.log if event[1] in TERMINAL]
        if len(ends) > 1 or (ends and ends[-1] != job.log[-1]):
            say(f"went on after its end: {[event[1] for event in job.log]}")
        attempts = [event[2] for event in job.log]
        if attempts != sorted(attempts):
            say(f"counted its attempts down: {attempts}")

    def excused(self, run, moment):
        """Nobody but its worker ends a function. A worker that is stopped cannot: a function in a
        sandbox goes on meanwhile, and one within the worker does when that does, until the worker
        has looked at its leases. Their steps cannot be prevented; what they write to the stores is
        refused, and that is checked without excuses."""
        return any(stop["t0"] <= moment and run.begin <= stop["t"] + self.rules.grace and
                   moment <= stop["t"] + self.rules.grace for stop in self.stops[run.worker])

    def began_late(self, job, run):
        """Of an attempt that its worker had claimed before it was stopped; nothing comes of it."""
        return self.excused(run, run.begin) and self.excused(run, run.last) and \
            not (job.final and job.final["token"] == run.token)

    def check_runs(self, job, say):
        """One run per attempt, and none takes a step when the next has begun."""
        runs = list(job.runs.values())
        if job.final and len(runs) > job.final["attempt"]:
            say(f"was run {len(runs)} times in {job.final['attempt']} attempts")
        for run, after in zip(runs, runs[1:]):
            if run.last > after.begin and not self.excused(run, run.last) and \
                    not self.began_late(job, after):
                say(f"{run.token} went on for {run.last - after.begin:.3f} s after {after.token} "
                    "had begun")

    def check_after_end(self, job, say):
        """Nothing runs when the job has ended; but a cancelled run may take notice late: within a
        lease, if its worker is cut off."""
        end = job.first_end_seen()
        if end is None:
            return
        cancelled = any(read["status"] == "CANCELLED" for read in job.reads)
        until = end + (self.rules.lease + self.rules.grace if cancelled else 0)
        for run in job.runs.values():
            if run.last > until and not self.excused(run, run.last):
                say(f"{run.token} ran for {run.last - end:.3f} s after {job.final and job.final['status']}")

    def check_result(self, job, say):
        """The result is that of the latest run, and that one had come to its end."""
        if job.final["status"] != "SUCCESS" or not job.runs:
            return
        run = job.runs.get(job.final["token"])
        if run is None and job.final.get("worker", "").startswith("real"):
            return  # its log, which tells of its runs, may miss its last lines
        if run is None:
            return say(f"has a result of nobody: {job.final['token']}")
        if not run.ended and run.worker != "real":
            say(f"has a result of {run.token}, which did not end")
        for later in job.runs.values():
            if later.begin > run.begin and not self.excused(later, later.begin):
                say(f"has the result of {run.token}, and {later.token} began later")

    def check_outcome(self, job, say):
        """It ended as its function did, unless it was cancelled or its workers died too often."""
        final = job.final
        wanted = {ack["do"] for ack in job.acks}
        allowed = {"ok": {"SUCCESS"}, "fail": {"FAILED"}, "flaky": {"SUCCESS", "FAILED"},
                   "poison": {"FAILED"}}
        reason = final.get("dead_letter") or ""
        given_up = final["status"] == "FAILED" and DIED in reason
        if given_up and final["crashes"] < self.rules.max_crashes:
            say(f"was given up after {final['crashes']} crashes: {reason}")
        for do in wanted:
            if final["status"] == "CANCELLED" and job.cancels:
                continue
            if given_up and do != "poison":
                continue
            if final["status"] in TERMINAL and final["status"] not in allowed[do]:
                say(f"'{do}' is {final['status']}: {reason}")
            if do == "poison" and final["status"] == "FAILED" and not given_up:
                say(f"poison, but the reason is '{reason}'")
            if final["status"] == "FAILED" and do in ("fail", "flaky") and \
                    "failed in attempt" not in reason:
                say(f"'{do}' has the reason '{reason}'")
        if any(cancel["status"] == "CANCELLED" for cancel in job.cancels) and \
                final["status"] != "CANCELLED":
            say(f"a cancel was acknowledged, and it is {final['status']}")
        if final["status"] == "CANCELLED" and not job.cancels:
            say("was cancelled by nobody")

    def check_letters(self, job, say):
        """Who was given up is in the dead-letter queue with its reason, and nobody else."""
        if not self.rules.dead_letters:
            return
        reason = job.final.get("dead_letter")
        if reason and not any(letter["reason"] == reason for letter in job.letters):
            say(f"has no dead letter that says '{reason}'")
        for letter in job.letters:
            if letter["reason"] != reason:
                say(f"is {job.final['status']} with a dead letter: '{letter['reason']}'")
