#!/usr/bin/python3
"""Adds up test runs: summary.py ALLOWED_SKIPS (PRESET=junit.xml | PRESET:STEP:passed|failed)…

Lists what failed and what was skipped and why; the last line is "N passed, N failed, N skipped".
With CI=true in the environment a skip that ALLOWED_SKIPS does not list counts as failed."""
import os
import re
import sys
import xml.etree.ElementTree as xml


def skip_reason(case):
    """What a skipped test said, in one line."""
    output = case.findtext("system-out", "").splitlines()
    for number, line in enumerate(output):
        if line.lower().startswith("skipped: "):
            return line[len("skipped: "):]
        if re.search(r": Skipped$", line):  # GoogleTest: "file:line: Skipped", then the reason
            return " ".join(filter(None, output[number + 1:number + 2])) or "no reason given"
    return "no reason given"


def cases(item):
    """(name, "passed" | "failed" | "skipped", reason) of each test of a run."""
    if "=" not in item:
        preset, step, outcome = item.split(":")
        yield f"{preset}:{step}", outcome, ""
        return
    preset, path = item.split("=", 1)
    try:
        suite = xml.parse(path).getroot()
    except (OSError, xml.ParseError) as error:
        yield f"{preset}:ctest", "failed", str(error)
        return
    for case in suite.iter("testcase"):
        name = f"{preset}:{case.get('name')}"
        skipped = case.find("skipped")
        if case.get("status") == "run":
            yield name, "passed", ""
        elif skipped is not None and skipped.get("message", "").startswith("SKIP_"):
            yield name, "skipped", skip_reason(case)
        else:
            yield name, "failed", case.get("status")


def allowed_skips(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split(" # ")[0].strip() for line in lines
                if line.strip() and not line.startswith("#")]


def main(allowed_path, *items):
    allowed = allowed_skips(allowed_path)
    strict = os.environ.get("CI") == "true"
    outcomes = {"passed": [], "failed": [], "skipped": []}
    for name, outcome, reason in (case for item in items for case in cases(item)):
        if outcome == "skipped" and strict and not any(re.fullmatch(p, name) for p in allowed):
            outcome, reason = "failed", f"skipped, which is not allowed here: {reason}"
        outcomes[outcome].append(f"{name}: {reason}" if reason else name)
    for outcome in ("skipped", "failed"):
        if outcomes[outcome]:
            print(f"{outcome}:", *outcomes[outcome], "", sep="\n  ")
    if not outcomes["passed"] and not outcomes["failed"]:
        outcomes["failed"].append("nothing ran")
    print(", ".join(f"{len(names)} {outcome}" for outcome, names in outcomes.items()))
    return 1 if outcomes["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
