#!/usr/bin/python3
"""The checker finds each kind of violation in a history made for it, and nothing in a good one."""
import unittest

import clients
import stores
from check import check, Rules

J = "job-1"


def ack(**more):
    return {"type": "ack", "key": "k1", "job": J, "do": "ok", "t": 0.1, **more}


def read(status, revision, t, **more):
    return {"type": "read", "job": J, "status": status, "revision": revision, "attempt": 1,
            "t0": t - 0.05, "t": t, **more}


def event(status, revision, attempt=1, watcher="w", **more):
    return {"type": "event", "watcher": watcher, "job": J, "status": status,
            "revision": revision, "attempt": attempt, **more}


def run(token, begin, end=None, steps=(), worker="a"):
    entries = [("B", begin)] + [("S", step) for step in steps] + ([("E", end)] if end else [])
    return [{"type": "run", "what": what, "job": J, "token": token, "worker": worker, "t": t}
            for what, t in entries]


def final(status="SUCCESS", revision=3, attempt=1, **more):
    return {"type": "final", "job": J, "status": status, "revision": revision, "attempt": attempt,
            "crashes": 0, "dead_letter": None, "token": "a.1", **more}


def log(*events):
    return {"type": "log", "job": J, "events": [list(each) for each in events]}


def letter(reason):
    return {"type": "letter", "job": J, "reason": reason}


def stop(t0, t, worker="a"):
    return {"type": "stop", "worker": worker, "t0": t0, "t": t}


def cancel(status="CANCELLED"):
    return {"type": "cancel", "job": J, "status": status, "t": 1.0}


LOG = log((1, "PENDING", 0), (2, "PROCESSING", 1), (3, "SUCCESS", 1))
GOOD = [ack(), read("PENDING", 1, 0.2), *run("a.1", 1.0, 1.2, [1.1]), read("SUCCESS", 3, 2.0),
        event("PENDING", 1, 0), event("PROCESSING", 2), event("SUCCESS", 3), final(), LOG]
DIED = "3 workers died while they ran it"
DEAD = {"status": "FAILED", "crashes": 3, "dead_letter": DIED, "attempt": 3, "token": None}
WANTED = "failed in attempt 1 of 1"
FAILED = {"status": "FAILED", "dead_letter": WANTED, "token": None}
AGAIN = [ack(), final(attempt=2, token="b.1")]  # by the second run

GOOD_ONES = {
    "a job that ran once": GOOD,
    "poison in the dead-letter queue, twice": [
        ack(do="poison"), *run("a.1", 1), *run("a.2", 2), *run("a.3", 3), final(**DEAD),
        letter(DIED), letter(DIED)],
    "an innocent job whose workers died": [ack(), final(**DEAD), letter(DIED)],
    "a function that fails": [ack(do="fail"), final(**FAILED), letter(WANTED)],
    "a cancelled job that ran a little longer": [
        ack(), cancel(), read("CANCELLED", 3, 1.0), *run("a.1", 0.9, steps=[2.5]),
        final("CANCELLED")],
    "a cancel that came too late": GOOD + [cancel("SUCCESS")],
    "a second attempt after the first": AGAIN + run("a.1", 1, steps=[2]) + run("b.1", 3, 4),
    "a run that was stopped, and goes on for a moment":
        AGAIN + [stop(1.5, 5)] + run("a.1", 1, steps=[5.1]) + run("b.1", 3, 4),
    "a stopped worker that begins late": AGAIN + [stop(1.5, 5), read("SUCCESS", 5, 4.5, attempt=2),
                                                  final(revision=5, attempt=2, token="b.1")] +
        run("a.1", 5.1) + run("b.1", 3, 4, worker="b"),
    "a stopped worker that begins late, while the next attempt runs":
        AGAIN + [stop(1.5, 5)] + run("a.1", 5.1) + run("b.1", 5, 6, steps=[5.5], worker="b"),
    "reads at the same time in any order": GOOD + [
        read("PROCESSING", 2, 2.01, t0=1.9)],
    "messages in order in each group": [
        {"type": "fifo", "group": g, "message": m} for g, m in [("x", 1), ("y", 0), ("x", 2)]],
}

BAD_ONES = {
    "was acknowledged and is lost": [ack()],
    "is not there at the end": [read("PENDING", 1, 1)],
    "is PROCESSING at the end": [ack(), final("PROCESSING")],
    "under key k1": GOOD + [ack(job="job-2"), final(job="job-2")],
    "has ended in different ways": GOOD + [read("FAILED", 3, 1.9)],
    "ended in different ways: [('SUCCESS', 3), ('SUCCESS', 5)]": GOOD + [event("SUCCESS", 5)],
    "an invocation was answered FAILED": GOOD + [{"type": "answer", "job": J, "status": "FAILED"}],
    "was at revision 3 SUCCESS, then at 2 PROCESSING": GOOD + [read("PROCESSING", 2, 3)],
    "was seen at a later one": GOOD + [read("PENDING", 4, 0.15)],
    "w got revision 3 after 1": [event("PENDING", 1, 0), event("SUCCESS", 3), final()],
    "w got revision 1 after 1": [event("PENDING", 1, 0), event("PENDING", 1, 0), final()],
    "revision 2 is": GOOD + [event("PROCESSING", 2, 2, watcher="v")],
    "has events [1, 3]": [log((1, "PENDING", 0), (3, "SUCCESS", 1)), final()],
    "is at revision 4 with events": GOOD[:-2] + [LOG, final(revision=4)],
    "went on after its end": [
        log((1, "PENDING", 0), (2, "SUCCESS", 1), (3, "PENDING", 1)), final()],
    "counted its attempts down": [log((1, "PENDING", 1), (2, "SUCCESS", 0)), final(revision=2)],
    "was run 2 times in 1 attempts": GOOD + run("a.0", 0.3, 0.4),
    "went on for 1.000 s after b.1 had begun":
        AGAIN + run("a.1", 1, steps=[4]) + run("b.1", 3, 5),
    "went on for 1.500 s after b.1 had begun":  # which was not late: it has the result
        AGAIN + [stop(1.5, 5, worker="b")] + run("a.1", 5, 6.6) + run("b.1", 5.1, 6, worker="b"),
    "went on for 4.000 s after b.1 had begun":  # long after the stop
        AGAIN + [stop(1.5, 5)] + run("a.1", 1, steps=[7]) + run("b.1", 3, 4),
    "went on for 2.000 s after b.1 had begun":  # another worker was stopped
        AGAIN + [stop(1.5, 5, "c")] + run("a.1", 1, steps=[5]) + run("b.1", 3, 4),
    "ran for 1.000 s after SUCCESS": GOOD + run("a.1", 3),
    "ran for 2.500 s after CANCELLED": [
        ack(), cancel(), read("CANCELLED", 3, 1), *run("a.1", 0.9, steps=[3.5]), final("CANCELLED")],
    "has a result of nobody": [ack(), *run("a.1", 1, 2), final(token="x.9")],
    "which did not end": [ack(), *run("a.1", 1), final()],
    "and b.1 began later": AGAIN + run("a.1", 1, 2) + run("b.1", 3, 4) + [
        final(attempt=2, token="a.1")],
    "'ok' is FAILED": [ack(), final(**FAILED), letter(WANTED)],
    "'fail' is SUCCESS": [ack(do="fail"), final()],
    "'poison' is SUCCESS": [ack(do="poison"), final()],
    "poison, but the reason is": [ack(do="poison"), final(**FAILED), letter(WANTED)],
    "'fail' has the reason 'x'": [
        ack(do="fail"), final(**{**FAILED, "dead_letter": "x"}), letter("x")],
    "was given up after 2 crashes": [ack(), final(**{**DEAD, "crashes": 2}), letter(DIED)],
    "a cancel was acknowledged, and it is SUCCESS": GOOD + [cancel()],
    "was cancelled by nobody": [ack(), final("CANCELLED")],
    "has no dead letter that says": [ack(do="fail"), final(**FAILED)],
    "is SUCCESS with a dead letter": GOOD + [letter(DIED)],
    "is FAILED with a dead letter: 'x'": [
        ack(do="fail"), final(**FAILED), letter(WANTED), letter("x")],
    "group x: 1 after 2": [{"type": "fifo", "group": "x", "message": m} for m in (2, 1)],
    "group x: 2 after 2": [{"type": "fifo", "group": "x", "message": m} for m in (2, 2)],
}


class CheckTest(unittest.TestCase):
    def test_good_histories_are_good(self):
        for name, history in GOOD_ONES.items():
            with self.subTest(name):
                self.assertEqual(check(history, Rules()), [])

    def test_each_violation_is_found(self):
        for text, history in BAD_ONES.items():
            with self.subTest(text):
                found = check(history, Rules())
                self.assertTrue(any(text in each for each in found), found)

    def test_jobs_are_in_the_order_of_their_first_messages(self):
        class Stack:
            @staticmethod
            def read_sent():
                return [("g", "first"), ("g", "second"), ("g", "first"), ("g", "never begun")]

        history = clients.History()
        for job, attempt in (("second", 1), ("first", 1), ("second", 2)):
            history.add("event", watcher="w", job=job, status="PROCESSING", attempt=attempt,
                        revision=2 * attempt)
        stores.read_order(Stack, history, "w")
        numbers = [each["message"] for each in history.entries if each["type"] == "fifo"]
        self.assertEqual(numbers, [1, 0])
        self.assertIn("group g: 0 after 1", check(history.entries))

    def test_without_a_dead_letter_queue_nobody_looks_for_letters(self):
        self.assertEqual(check([ack(do="fail"), final(**FAILED)], Rules(dead_letters=False)), [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
