#!/usr/bin/python3
"""What passed in the guest: counts.py DIRECTORY, which holds MODE/PROGRAM.json and .log, both of
GoogleTest, acts/MODE, the rows of tests/testcases/table.py, and "left" if anything was left behind.

Prints what was skipped and why, a line "result: MODE/PROGRAM passed|failed (counts)" for each
program, and the counts by mode. Fails if anything failed or a program did not come to its end."""
import collections
import json
import pathlib
import platform
import sys

SLOW = 10  # seconds
WHAT = ("passed", "failed", "skipped")


def read(path):
    """The tests of one program; nothing if it did not end."""
    try:
        suites = json.loads(path.read_text(encoding="utf-8"))["testsuites"]
    except (ValueError, KeyError):
        return None
    return [test for suite in suites for test in suite["testsuite"]]


def count(tests):
    """{"passed": …}"""
    return collections.Counter(
        "skipped" if test["result"] == "SKIPPED" else "failed" if test.get("failures") else "passed"
        for test in tests)


def seconds(test):
    return float(test["time"].rstrip("s"))


def skips(path):
    """{reason: how often}; GoogleTest says "file:line: Skipped", and then why."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return collections.Counter(
        reason for line, reason in zip(lines, lines[1:]) if line.endswith(": Skipped"))


def words(counts, what):
    return ", ".join(f"{counts[one]} {one}" for one in what)


def acts(path):
    return collections.Counter(
        line.split("\t")[2] for line in path.read_text(encoding="utf-8").splitlines())


def main(directory):
    directory = pathlib.Path(directory)
    modes, good = {}, not (directory / "left").exists()
    for path in sorted(directory.glob("*/*.json")):
        mode, program = path.parent.name, path.stem
        tests = read(path)
        counts = count(tests) if tests is not None else collections.Counter(failed=1)
        for reason, times in sorted(skips(path.with_suffix(".log")).items()):
            print(f"skipped: {mode}/{program}: {reason} ({times} times)")
        for test in sorted(tests or (), key=seconds)[-3:]:
            if seconds(test) > SLOW:
                print(f"slow: {mode}/{program}: {test['name']}, {seconds(test):.0f} s")
        passed = counts["passed"] and not counts["failed"]
        print(f"result: {mode}/{program} {'passed' if passed else 'failed'} "
              f"({words(counts, WHAT) if tests is not None else 'did not end'})")
        good &= bool(passed)
        modes.setdefault(mode, collections.Counter()).update(counts)
    parts = []
    for mode, counts in modes.items():
        held = directory / "acts" / mode
        of_acts = f" (acts: {words(acts(held), ('held', 'contained', 'skipped'))})" if held.exists() else ""
        parts.append(f"{mode}: {words(counts, WHAT)}{of_acts}")
    print(f"\n{platform.release()}, cgroup v2. " + "; ".join(parts))
    return 0 if good and modes else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
