#!/usr/bin/python3
"""The include rule holds for a good tree and names what is wrong in a bad one."""
import pathlib
import tempfile
import unittest

import layers

GOOD = {
    "include/nanogrid/status.h": "#include <absl/status/status.h>\n",
    "include/nanogrid/engine.h": '#include <string>\n\n#include "nanogrid/status.h"\n',
    "include/nanogrid/adapters/memory.h": '#include "nanogrid/status.h"\n',
    "include/nanogrid/testing/suite.h": "#include <gtest/gtest.h>\n",
    "src/core/json.h": "",
    "src/core/memory.cc": '#include "nanogrid/adapters/memory.h"\n#include "core/json.h"\n',
    "src/engine/engine.cc": '#include "nanogrid/engine.h"\n#include "core/json.h"\n#include <fmt/core.h>\n',
    "src/runtimes/builtin.h": "",
    "src/sandbox/linux/wire.h": "",
    "src/sandbox/linux/init/init.cc": '#include "../wire.h"\n',
    "examples/cli/run.h": "",
    "examples/cli/main.cc": '#include "run.h"\n#include <nanogrid/engine.h>\n',
}


def check(changes):
    with tempfile.TemporaryDirectory() as directory:
        for path, text in {**GOOD, **changes}.items():
            file = pathlib.Path(directory, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return list(layers.violations(directory))


class LayersTest(unittest.TestCase):
    def expect_violation(self, path, include, why):
        found = check({path: f"// A comment.\n#include {include}\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{path}:2", found[0])
        self.assertIn(why, found[0])

    def test_a_good_tree_passes(self):
        self.assertEqual(check({}), [])

    def test_core_does_not_see_the_engine(self):
        self.expect_violation("src/core/a.cc", '"engine/engine.h"', "no header of this project")
        self.assertIn("not below", check({"src/engine/e.h": "", "src/core/a.cc": '#include "engine/e.h"\n'})[0])

    def test_the_engine_sees_no_adapter(self):
        self.expect_violation("src/engine/a.cc", '"nanogrid/adapters/memory.h"', "not below this layer")
        self.expect_violation("src/engine/a.cc", '"sandbox/linux/wire.h"', "not below this layer")
        self.expect_violation("src/engine/a.cc", '"runtimes/builtin.h"', "not below this layer")

    def test_adapters_do_not_see_each_other(self):
        self.expect_violation("src/runtimes/a.cc", '"sandbox/linux/wire.h"', "not below this layer")
        self.expect_violation("src/sandbox/linux/a.cc", '"runtimes/builtin.h"', "not below this layer")

    def test_the_way_around_by_dots_is_seen(self):
        self.expect_violation("src/core/a.cc", '"../runtimes/builtin.h"', "not below this layer")

    def test_examples_use_only_what_is_public(self):
        self.expect_violation("examples/cli/a.cc", '"core/json.h"', "not below this layer")
        self.expect_violation("examples/cli/a.cc", "<core/json.h>", "private")
        self.expect_violation("examples/embed/a.cc", '"../cli/run.h"', "another program")

    def test_public_headers_include_only_std_absl_status_and_each_other(self):
        self.expect_violation("include/nanogrid/a.h", "<fmt/core.h>", "public header")
        self.expect_violation("include/nanogrid/a.h", "<sys/socket.h>", "public header")
        self.expect_violation("include/nanogrid/a.h", "<gtest/gtest.h>", "public header")
        self.expect_violation("include/nanogrid/a.h", '"core/json.h"', "not below this layer")
        self.expect_violation("include/nanogrid/a.h", '"nanogrid/adapters/memory.h"', "not below")

    def test_a_directory_without_rules_is_refused(self):
        found = check({"src/newcomer/a.cc": ""})
        self.assertEqual(len(found), 1, found)
        self.assertIn("belongs to no layer", found[0])

    def test_an_empty_tree_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertIn("no sources", list(layers.violations(directory))[0])


if __name__ == "__main__":
    unittest.main()
