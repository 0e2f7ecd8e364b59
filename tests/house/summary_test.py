#!/usr/bin/python3
"""The last line of tests/run.sh is right, and the exit status with it."""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import summary

JUNIT = """<testsuite>
<testcase name="good" status="run"/>
<testcase name="bad" status="fail"><failure message=""/></testcase>
<testcase name="absent" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="lacking" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
<system-out>[ RUN ] a
/src/a.cc:5: Skipped
no cgroup v2 here
</system-out></testcase>
</testsuite>"""
ALL_GOOD = '<testsuite><testcase name="good" status="run"/></testsuite>'


class SummaryTest(unittest.TestCase):
    def summarize(self, junit, *steps, allowed="", ci=False):
        with tempfile.TemporaryDirectory() as directory:
            skips, report = pathlib.Path(directory, "skips"), pathlib.Path(directory, "junit.xml")
            skips.write_text(allowed)
            report.write_text(junit)
            os.environ["CI"] = "true" if ci else "false"
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = summary.main(str(skips), f"dev={report}", *steps)
        return status, out.getvalue()

    def test_good_runs_succeed(self):
        status, text = self.summarize(ALL_GOOD, "tidy:build:passed")
        self.assertEqual((status, text), (0, "2 passed, 0 failed, 0 skipped\n"))

    def test_failures_and_tests_that_could_not_run_are_listed(self):
        status, text = self.summarize(JUNIT, "asan:build:failed")
        self.assertEqual(status, 1)
        self.assertEqual(text.splitlines()[-1], "1 passed, 3 failed, 1 skipped")
        for name in ("dev:bad", "dev:absent", "asan:build", "dev:lacking: no cgroup v2 here"):
            self.assertIn(name, text)

    def test_on_ci_only_listed_skips_are_allowed(self):
        last = lambda result: result[1].splitlines()[-1]
        self.assertEqual(last(self.summarize(JUNIT, ci=True)), "1 passed, 3 failed, 0 skipped")
        listed = "# comment\ndev:lack.* # old kernel\n"
        self.assertEqual(last(self.summarize(JUNIT, ci=True, allowed=listed)),
                         "1 passed, 2 failed, 1 skipped")

    def test_no_report_is_a_failure(self):
        status, text = self.summarize(ALL_GOOD, "asan=/nowhere/junit.xml")
        self.assertEqual(status, 1)
        self.assertEqual(text.splitlines()[-1], "1 passed, 1 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
