#!/usr/bin/python3
"""The program `nanogrid`, as shells and scripts see it: cli_test.py NANOGRID usage|sandbox"""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid
import zipfile

NANOGRID = ""
PLAIN = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8"}
TIMEOUT = 60


class CliTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def file(self, name, content, mode=0o644):
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return str(path)

    def script(self, body):
        return self.file("program", "#!/bin/sh\n" + body + "\n", 0o755)

    def handler(self, *lines):
        body = "\n".join("    " + line for line in lines)
        return self.file("function.py", f"def handler(event, context):\n{body}\n")

    def nanogrid(self, *arguments, status=0, input=b"", env=(), **options):
        done = subprocess.run([NANOGRID, *arguments], input=input, capture_output=True,
                              timeout=TIMEOUT, env={**PLAIN, **dict(env)}, **options)
        self.assertEqual(done.returncode, status, done)
        return done

    def object(self, *arguments, status=0, **options):
        """The one object that --json prints."""
        out = self.nanogrid("run", "--json", *arguments, status=status, **options).stdout
        self.assertEqual(out.count(b"\n"), 1, out)
        return json.loads(out)

    def on_terminal(self, *arguments, stream, env=()):
        """What a terminal at `stream` (1 or 2) is sent."""
        main, side = pty.openpty()
        streams = {1: {"stdout": side, "stderr": subprocess.DEVNULL},
                   2: {"stdout": subprocess.DEVNULL, "stderr": side}}[stream]
        with subprocess.Popen([NANOGRID, *arguments], stdin=subprocess.DEVNULL,
                              env={**PLAIN, **dict(env)}, **streams) as process:
            os.close(side)
            shown = self.read_all(main)
            process.wait(TIMEOUT)
        return shown

    @staticmethod
    def read_all(terminal):
        shown = b""
        while select.select([terminal], [], [], TIMEOUT)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # EIO: nobody has the other side open any more
                piece = b""
            if not piece:
                os.close(terminal)
                return shown
            shown += piece
        raise TimeoutError(shown)


class UsageTest(CliTest):
    def refused(self, *arguments, message):
        done = self.nanogrid("run", *arguments, status=2)
        self.assertEqual(done.stdout, b"")
        self.assertIn(message, done.stderr.decode())
        answer = self.object(*arguments, status=2)
        self.assertEqual(list(answer), ["error"])
        self.assertEqual(list(answer["error"]), ["code", "message", "field"])
        self.assertIn(message, answer["error"]["message"])

    def test_help_and_version_are_results(self):
        self.assertRegex(self.nanogrid("--version").stdout, rb"^nanogrid \d+\.\d+\.\d+\n$")
        for command in ([], ["run"], ["doctor"]):
            done = self.nanogrid(*command, "--help")
            self.assertIn(b"Examples:", done.stdout)
            self.assertEqual(done.stderr, b"")

    def test_a_command_line_that_makes_no_sense_is_refused(self):
        self.nanogrid(status=2)
        self.nanogrid("levitate", status=2)
        self.refused(message="PATH is required")
        self.refused("/bin/true", "--colour", "red", message="--colour")
        self.refused("/bin/true", "--repeat", "0", message="--repeat")
        self.refused("/bin/true", "--memory", "1G", "--memory", "2G", message="--memory")

    def test_settings_are_refused_by_name_value_and_limit(self):
        self.refused("/bin/true", "--memory", "lots", message="memory 'lots'")
        self.refused("/bin/true", "--memory", "1K", message="memory 1K: must be 4M")
        self.refused("/bin/true", "--timeout", "soon", message="timeout 'soon'")
        self.refused("/bin/true", "--network", "internet", message="network 'internet'")
        self.refused("/bin/true", "--env", "NOVALUE", message="env: must be NAME=VALUE")
        self.refused("/bin/true", "--name", "not a name", message="name 'not a name'")

    def test_an_image_is_for_docker(self):
        self.refused("/bin/true", "--image", "alpine", message="image 'alpine': sandbox linux")
        self.refused("/bin/true", "--sandbox", "docker", "--root", "/srv", message="root '/srv'")

    def test_files_that_are_not_there_are_named(self):
        self.refused("/nonexistent.py", message="path '/nonexistent.py': no such file")
        self.refused("/bin/true", "--event", "@/nonexistent.json", message="/nonexistent.json")


class SandboxTest(CliTest):
    def assertGone(self, mark):
        """No process of this machine has `mark` on its command line."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(mark.encode(), path.read_bytes(), path)
            except OSError:
                pass  # it ended meanwhile

    def test_the_result_and_nothing_else_is_on_standard_output(self):
        function = self.handler("print('logged')", "return {'hello': event['name']}")
        done = self.nanogrid("run", function, "--event", '{"name": "Ada"}')
        self.assertEqual(json.loads(done.stdout), {"hello": "Ada"})
        self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertEqual(done.stderr, b"logged\n")

    def test_a_program_s_output_is_passed_on_byte_for_byte(self):
        done = self.nanogrid("run", self.script(r"printf 'a\000\377\033[31m'; printf 'log\033' >&2"))
        self.assertEqual(done.stdout, b"a\0\xff\x1b[31m")
        self.assertEqual(done.stderr, b"log\x1b\n")

    def test_events_come_from_the_command_line_a_file_or_standard_input(self):
        echo = self.handler("return event")
        run = lambda *event, **more: json.loads(self.nanogrid("run", echo, *event, **more).stdout)
        self.assertIsNone(run())
        self.assertEqual(run("--event", "[1, [2, 3]]"), [1, [2, 3]])
        self.assertEqual(run("--event", "-5"), -5)
        self.assertEqual(run("--event=\"-\""), "-")
        self.assertEqual(run("--event", "@" + self.file("event", '"file"')), "file")
        self.assertEqual(run("--event", "-", input=b'"stdin"'), "stdin")

    def test_a_program_gets_any_bytes_and_by_default_none(self):
        count = self.script("wc -c")
        self.assertEqual(self.nanogrid("run", count).stdout.strip(), b"0")
        done = self.nanogrid("run", count, "--event", "-", input=b"\0\xff\n")
        self.assertEqual(done.stdout.strip(), b"3")

    def test_an_event_that_is_not_json_is_refused(self):
        done = self.nanogrid("run", self.handler("return 1"), "--event", "{oops", status=2)
        self.assertIn(b"event", done.stderr)

    def test_settings_reach_the_function(self):
        function = self.handler("import os", "return [os.environ['A'], os.environ['B'],",
                                "  context.memory_limit_in_mb, context.function_name]")
        done = self.nanogrid("run", "--env", "A=1", "--env", "B=x=y", function, "--memory", "96M",
                             "--name", "fancy")
        self.assertEqual(json.loads(done.stdout), ["1", "x=y", 96, "fancy"])

    def test_exit_statuses_tell_how_it_ended(self):
        self.nanogrid("run", self.handler("return 1/0"), status=1)
        self.nanogrid("run", self.script("exit 7"), status=1)
        self.nanogrid("run", self.handler("while True: pass"), "--timeout", "100ms", status=124)
        self.nanogrid("run", self.handler("return bytearray(1 << 30)"), "--memory", "32M", status=1)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([NANOGRID, "run", self.script("echo 1")], stdout=full,
                                  stderr=subprocess.PIPE, env=PLAIN, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"No space left", done.stderr)

    def test_a_failure_is_explained_on_standard_error(self):
        done = self.nanogrid("run", self.handler("raise KeyError('name')"), status=1)
        self.assertEqual(done.stdout, b"")
        self.assertTrue(done.stderr.startswith(b"KeyError: 'name'\n"), done.stderr)
        self.assertIn(b"Traceback", done.stderr)

    def test_code_that_does_not_compile_is_the_asker_s_fault(self):
        done = self.nanogrid("run", self.file("broken.cpp", "int main() { oops }"), status=2)
        self.assertIn(b"oops", done.stderr)

    def test_repeated_calls_are_answered_line_by_line_and_warm(self):
        function = self.handler("global calls", "calls = globals().get('calls', 0) + 1", "return calls")
        done = self.nanogrid("run", function, "--repeat", "3", "--verbose")
        self.assertEqual(done.stdout, b"1\n2\n3\n")
        kinds = [line.split()[0] for line in done.stderr.splitlines()]
        self.assertEqual(kinds, [b"cold", b"warm", b"warm"])
        lines = self.nanogrid("run", function, "--repeat", "2", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["start"] for line in lines], ["cold", "warm"])

    def test_repetition_ends_with_the_first_failure(self):
        function = self.handler("global calls", "calls = globals().get('calls', 0) + 1",
                                "return 1 // (2 - calls)")
        self.assertEqual(self.nanogrid("run", function, "--repeat", "9", status=1).stdout, b"1\n")

    def test_json_has_this_shape(self):
        answer = self.object(self.handler("print('logged')", "return [1]"))
        self.assertEqual(list(answer), ["status", "ending", "result", "error", "logs", "usage", "start"])
        self.assertEqual(list(answer["usage"]), ["wall_ms", "cpu_ms", "peak_memory_bytes"])
        self.assertEqual([answer[key] for key in ("status", "ending", "result", "error", "logs", "start")],
                         ["SUCCESS", "returned", [1], None, "logged\n", "cold"])

    def test_json_of_a_failure_has_type_message_and_stack(self):
        answer = self.object(self.handler("raise ValueError('no \"good\"')"), status=1)
        self.assertEqual((answer["status"], answer["ending"]), ("FAILED", "exception"))
        self.assertIsNone(answer["result"])
        self.assertEqual(answer["error"]["type"], "ValueError")
        self.assertEqual(answer["error"]["message"], 'no "good"')
        self.assertIn("Traceback", answer["error"]["stack"])

    def test_json_is_valid_whatever_a_program_prints(self):
        program = self.script(r"printf 'a\000\377\n\342\202\254'; printf '\300\257\033' >&2")
        answer = self.object(program)
        self.assertEqual(answer["result"], "a\0\ufffd\n€")
        self.assertEqual(answer["logs"], "\ufffd\ufffd\x1b")

    def test_a_terminal_sees_no_control_characters_of_a_function(self):
        program = self.script(r"printf 'R\033]0;x\007\n'; printf 'L\033[2J\302\233\342\202\254\n' >&2")
        self.assertEqual(self.on_terminal("run", program, stream=1), b"R\\x1b]0;x\\x07\r\n")
        self.assertEqual(self.on_terminal("run", program, stream=2), b"L\\x1b[2J\\xc2\\x9b\xe2\x82\xac\r\n")

    def test_colours_are_for_terminals_that_want_them(self):
        function = self.handler("raise ValueError('\\x1b[31m')")
        shown = self.on_terminal("run", function, stream=2)
        self.assertTrue(shown.startswith(b"\x1b[31mValueError: \\x1b[31m\x1b[0m\r\n"), shown)
        self.assertNotIn(b"\x1b", self.on_terminal("run", function, stream=2, env={"NO_COLOR": "1"}))
        self.assertNotIn(b"\x1b", self.on_terminal("run", function, stream=2, env={"TERM": "dumb"}))

    def endless(self, mark):
        """A program that never ends, nor does the child of it that has `mark` in its arguments."""
        return self.script(f"echo started >&2\nsh -c 'while :; do sleep 1000; done' {mark} &\nwait")

    def test_a_signal_cancels_and_nothing_is_left(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            mark = uuid.uuid4().hex
            with subprocess.Popen([NANOGRID, "run", "--json", "-v", self.endless(mark)], env=PLAIN,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                try:
                    self.wait_for_process(mark, lambda: process.poll() is None)
                    process.send_signal(number)
                    out, _ = process.communicate(timeout=TIMEOUT)
                except BaseException:
                    process.kill()
                    print(process.communicate(), file=sys.stderr)
                    raise
            self.assertEqual(process.returncode, 130)
            answer = json.loads(out)
            self.assertEqual((answer["status"], answer["ending"]), ("CANCELLED", "cancelled"))
            self.assertEqual(answer["logs"], "started\n")
            self.assertGone(mark)

    def test_ctrl_c_at_a_terminal_cancels_and_logs_are_live(self):
        mark = uuid.uuid4().hex
        program = self.endless(mark)
        child, terminal = pty.fork()  # a session of its own: ^C goes to its whole foreground group
        if child == 0:
            os.execve(NANOGRID, [NANOGRID, "run", program], PLAIN)
        self.wait_for_text(terminal, b"started")  # the log is seen while the function runs
        self.wait_for_process(mark, lambda: os.waitpid(child, os.WNOHANG) == (0, 0))
        os.write(terminal, b"\x03")
        shown = self.read_all(terminal)
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 130, shown)
        self.assertIn(b"cancelled", shown)
        self.assertGone(mark)

    def wait_for_text(self, terminal, text):
        shown = b""
        while text not in shown:
            self.assertTrue(select.select([terminal], [], [], TIMEOUT)[0], shown)
            shown += os.read(terminal, 65536)

    def wait_for_process(self, mark, is_running):
        """Returns when the child of endless() runs; ctest's timeout is for when it never does."""
        while True:
            self.assertTrue(is_running(), "it ended before its function began")
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if b"while" in path.read_bytes() and mark.encode() in path.read_bytes():
                        return
                except OSError:
                    pass

    def test_directories_and_zips_are_run_too(self):
        self.handler("return 'file'")
        self.assertEqual(self.nanogrid("run", str(self.directory)).stdout, b'"file"\n')
        self.assertEqual(self.nanogrid("run", ".", cwd=self.directory).stdout, b'"file"\n')
        with zipfile.ZipFile(self.directory / "code.zip", "w") as archive:
            archive.writestr("lib/deep.py", "def handler(event, context): return 'zip'")
            archive.writestr("main.py", "from lib.deep import handler")
        self.assertEqual(self.nanogrid("run", str(self.directory / "code.zip")).stdout, b'"zip"\n')

    def test_doctor_says_that_this_machine_is_usable(self):
        shown = self.nanogrid("doctor").stdout.decode()
        self.assertIn("✔", shown)
        self.assertIn("Ready", shown)
        report = json.loads(self.nanogrid("doctor", "--json").stdout)
        self.assertEqual(list(report), ["usable", "mode", "cgroups", "checks", "docker", "runtimes",
                                        "host_network", "fleet"])
        self.assertIs(report["usable"], True)
        self.assertIsNone(report["fleet"], "no configuration was given")
        for check in report["checks"]:
            self.assertIn(check["level"], ("ok", "warning", "error"))
            self.assertTrue(check["level"] == "ok" or check["fix"], check)
        self.assertIn("python3", [runtime["name"] for runtime in report["runtimes"]])


def usable():
    done = subprocess.run([NANOGRID, "doctor"], capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode != 0:
        errors = re.findall(r"✘ (.*)", done.stdout)
        print(f"SKIPPED: no sandbox on this machine: {'; '.join(errors)}")
    return done.returncode == 0


if __name__ == "__main__":
    NANOGRID = str(pathlib.Path(sys.argv[1]).resolve())
    which = {"usage": UsageTest, "sandbox": SandboxTest}[sys.argv[2]]
    if which is UsageTest or usable():
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(which)
        sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
