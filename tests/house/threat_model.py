#!/usr/bin/python3
"""Whether every test that docs/threat-model.md names exists: threat_model.py SOURCE_DIR"""
import pathlib
import re
import sys

AREAS = "files|identity|network|protocol|resources|syscalls"


def known_tests(source):
    """Names of GoogleTest tests, of acts, and of Python tests."""
    names = set()
    for folder in ("tests", "include/nanogrid/testing"):
        for path in (source / folder).rglob("*"):
            if path.suffix in (".cc", ".h"):
                for suite, test in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)",
                                              path.read_text(), re.MULTILINE):
                    names.add(f"{suite}.{test}")
            elif path.suffix == ".py":
                names.update(re.findall(r"def (test_\w+)", path.read_text()))
    acts = source / "tests" / "testcases"
    for area in AREAS.split("|"):
        names.update(f"{area}/{path.stem}" for path in (acts / area).glob("*.*"))
    return names


def main():
    source = pathlib.Path(sys.argv[1])
    text = (source / "docs" / "threat-model.md").read_text()
    named = set(re.findall(rf"`((?:{AREAS})/\w+|[A-Z]\w+\.[A-Z]\w+|test_\w+)`", text))
    missing = sorted(named - known_tests(source))
    assert len(named) > 50, f"only {len(named)} tests are named"
    assert not missing, f"docs/threat-model.md names tests that do not exist: {missing}"
    print(f"{len(named)} tests are named, all exist")


if __name__ == "__main__":
    main()
