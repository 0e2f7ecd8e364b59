#!/usr/bin/python3
"""Documents say what is so: docs_test.py SOURCE_TREE NANOGRID"""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = NANOGRID = None


def documents():
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
        (ROOT / "docs").rglob("*.md"))


def anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```", "", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class DocsTest(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for document in documents():
            for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", document.read_text()):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (document.parent / path).resolve() if path else document
                self.assertTrue(target.exists(), f"{document.relative_to(ROOT)}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{document.relative_to(ROOT)}: {link}")

    def test_paths_that_are_named_exist(self):
        for document in documents():
            for path in re.findall(r"`((?:src|include|tests|examples|docs|cmake)/[\w./-]+)`",
                                   document.read_text()):
                self.assertTrue((ROOT / path).exists(), f"{document.relative_to(ROOT)}: {path}")

    def test_the_readme_shows_the_embedding_example_as_it_is_compiled(self):
        snippet = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)
        self.assertEqual(snippet, (ROOT / "examples/embed/main.cc").read_text())

    def test_every_option_is_in_the_cli_page_and_no_other(self):
        page = (ROOT / "docs/cli.md").read_text()
        for command in ("run", "doctor"):
            text = subprocess.run([NANOGRID, command, "--help"], capture_output=True, text=True,
                                  check=True).stdout.split("Examples:")[0]
            section = re.search(rf"(?ms)^## nanogrid {command}$(.*?)(^## |\Z)", page).group(1)
            real = set(re.findall(r"--[a-z][a-z-]*", text)) - {"--help"}
            documented = set(re.findall(r"^\| `(?:-\w, )?(--[a-z-]+)", section, re.M))
            self.assertEqual(documented, real)

    def test_decisions_are_numbered_without_gaps(self):
        numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertTrue(numbers)


if __name__ == "__main__":
    ROOT, NANOGRID = pathlib.Path(sys.argv.pop(1)).resolve(), sys.argv.pop(1)
    unittest.main()
