#!/usr/bin/python3
"""The acts and how each mode held them: table.py DIRECTORY_OF_RESULTS [MARKDOWN_FILE]

Prints the table and, given a file, writes it there. Fails if an act was not held, or hardly any ran."""
import pathlib
import sys

MODES = ["root", "root-without-cgroups", "rootless", "ordinary-user", "docker"]


def read_rows(directory):
    """{act: {mode: (verdict, note)}}"""
    acts = {}
    for path in sorted(pathlib.Path(directory).iterdir()):
        for line in path.read_text(encoding="utf-8").splitlines():
            act, mode, verdict, note = line.split("\t")
            acts.setdefault(act, {})[mode] = (verdict, note)
    return acts


def table(acts):
    modes = [mode for mode in MODES if any(mode in by_mode for by_mode in acts.values())]
    lines = ["| act | " + " | ".join(modes) + " |", "|---" * (len(modes) + 1) + "|"]
    reasons = []
    for act, by_mode in sorted(acts.items()):
        cells = []
        for mode in modes:
            verdict, note = by_mode.get(mode, ("not run", ""))
            if verdict == "contained":
                verdict += f": {note}"
            elif verdict == "skipped":
                reasons.append(f"- {act}, {mode}: {note}")
            cells.append(verdict)
        lines.append(f"| {act} | " + " | ".join(cells) + " |")
    if reasons:
        lines += ["", "Skipped:", ""] + reasons
    lines += ["", f"{len(acts)} acts. " + "; ".join(
        f"{mode}: " + ", ".join(
            f"{sum(by_mode.get(mode, ('', ''))[0] == verdict for by_mode in acts.values())} {verdict}"
            for verdict in ("held", "contained", "skipped", "WRONG"))
        for mode in modes)]
    return "\n".join(lines)


def main(directory, markdown=None):
    acts = read_rows(directory)
    text = table(acts)
    print(text)
    if markdown is not None:
        pathlib.Path(markdown).write_text(text + "\n", encoding="utf-8")
    wrong = [act for act, by_mode in acts.items()
             if any(verdict == "WRONG" for verdict, _ in by_mode.values())]
    if wrong or len(acts) < 130:
        print("not held:" if wrong else "too few acts ran", *wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
