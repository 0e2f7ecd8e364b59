// What is particular to runtime python3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <optional>

#include "core/json.h"
#include "runtimes/function_process.h"

namespace nanogrid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A function of these files.
class Python {
 public:
  explicit Python(const Files& files, const std::string& handler = "hello.handler",
                  std::map<std::string, std::string> env = {})
      : code_(files) {
    env["_HANDLER"] = handler;
    process_.emplace(runtime_.Command(), code_.path(), std::move(env));
  }
  explicit Python(const std::string& source) : Python(Files{{"hello.py", source}}) {}

  FunctionProcess* operator->() { return &*process_; }

 private:
  InstalledRuntime runtime_{"python3"};
  ScratchDirectory code_;
  std::optional<FunctionProcess> process_;
};

TEST(Python3, AwaitsAsyncHandlersOnOneLoop) {
  Python hello(
      "import asyncio\n"
      "loops = set()\n"
      "async def handler(event, context):\n"
      "    await asyncio.sleep(0)\n"
      "    loops.add(asyncio.get_running_loop())\n"
      "    return [event, len(loops)]\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("[1, 1]"));
  EXPECT_EQ(hello->Invoke("2"), Returned("[2, 1]"));
}

TEST(Python3, ReportsExceptionsOfAsyncHandlersWithoutTheEventLoopsFrames) {
  Python hello("async def handler(event, context):\n    raise KeyError('x')\n");
  const Answer answer = hello->Invoke("1");
  EXPECT_EQ(ErrorField(answer, "type"), "KeyError");
  EXPECT_THAT(ErrorField(answer, "stack"), Not(HasSubstr("asyncio")));
  EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr("raise KeyError('x')"));
}

TEST(Python3, ShowsCausesInTheStack) {
  Python hello(
      "def handler(event, context):\n"
      "    try:\n"
      "        {}['first']\n"
      "    except KeyError as error:\n"
      "        raise RuntimeError('second') from error\n");
  const Answer answer = hello->Invoke("1");
  EXPECT_EQ(ErrorField(answer, "message"), "second");
  EXPECT_THAT(ErrorField(answer, "stack"), StartsWith("Traceback (most recent call last):\n"));
  EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr("KeyError: 'first'"));
}

TEST(Python3, FindsHandlersInPackagesAndDirectories) {
  const Files files = {{"pkg/mod.py", "from pkg.other import answer as call\n"},
                       {"pkg/other.py", "def answer(event, context): return 'found'\n"}};
  for (const char* handler : {"pkg/mod.call", "pkg.mod.call"}) {
    EXPECT_EQ(Python(files, handler)->Invoke("1"), Returned("\"found\"")) << handler;
  }
}

TEST(Python3, SeesItsOwnCodeFirstAndHonoursPythonPath) {
  const Files files = {{"hello.py",
                        "import sys, random, extra\n"
                        "def handler(event, context):\n"
                        "    return [sys.path[0] == event, random.mine, extra.name]\n"},
                       {"random.py", "mine = True\n"},
                       {"lib/extra.py", "name = 'extra'\n"}};
  EXPECT_EQ(Python(files, "hello.handler", {{"PYTHONPATH", "lib"}})->Invoke("1"),
            Returned("[false, true, \"extra\"]"));
}

TEST(Python3, HasDebiansPackages) {
  Python hello(
      "import sys\n"
      "def handler(event, context):\n"
      "    return '/usr/lib/python3/dist-packages' in sys.path\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("true"));
}

struct BrokenCode {
  const char* name;
  const char* source;
  const char* handler;
  const char* type;
  const char* message;
  const char* in_stack;
};
void PrintTo(const BrokenCode& code, std::ostream* out) { *out << code.name; }

class BrokenPython : public ::testing::TestWithParam<BrokenCode> {};

TEST_P(BrokenPython, AnswersEveryInvocationWithTheReason) {
  const BrokenCode& code = GetParam();
  Python hello(Files{{"hello.py", code.source}}, code.handler);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = hello->Invoke("{}");
    EXPECT_EQ(ErrorField(answer, "type"), code.type);
    EXPECT_THAT(ErrorField(answer, "message"), HasSubstr(code.message));
    EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr(code.in_stack));
    EXPECT_THAT(ErrorField(answer, "stack"), Not(HasSubstr("bootstrap.py")));
  }
  EXPECT_EQ(hello->CloseAndWait(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Code, BrokenPython,
    ::testing::Values(
        BrokenCode{"NoModule", "", "other.handler", "Runtime.ImportModuleError",
                   "Unable to import module 'other': No module named 'other'", "ModuleNotFound"},
        BrokenCode{"NoDependency", "import numpie\n", "hello.handler", "Runtime.ImportModuleError",
                   "Unable to import module 'hello': No module named 'numpie'", "import numpie"},
        BrokenCode{"BadSyntax", "def handler(:\n", "hello.handler", "Runtime.UserCodeSyntaxError",
                   "Syntax error in module 'hello'", "def handler(:"},
        BrokenCode{"NoHandler", "x = 1\n", "hello.handler", "Runtime.HandlerNotFound",
                   "Handler 'handler' missing on module 'hello'", ""},
        BrokenCode{"NotCallable", "handler = 1\n", "hello.handler", "Runtime.HandlerNotFound",
                   "Handler 'handler' missing on module 'hello'", ""},
        BrokenCode{"NoFunctionName", "", "hello", "Runtime.MalformedHandlerName", "'hello'", ""},
        BrokenCode{"RaisesAtImport", "1 / 0\n", "hello.handler", "ZeroDivisionError", "division",
                   "1 / 0"},
        BrokenCode{"NotJson", "def handler(event, context): return {1, 2}\n", "hello.handler",
                   "Runtime.MarshalError",
                   "Unable to marshal response: Object of type set is not JSON serializable", ""},
        BrokenCode{"NotANumber", "def handler(event, context): return [float('nan')]\n",
                   "hello.handler", "Runtime.MarshalError", "not JSON compliant", ""},
        BrokenCode{"EndlessResult",
                   "def handler(event, context):\n  a = []\n  a.append(a)\n  return a\n",
                   "hello.handler", "Runtime.MarshalError", "Circular reference", ""},
        BrokenCode{"TooFewArguments", "def handler(event): return 1\n", "hello.handler",
                   "TypeError", "takes 1 positional argument but 2 were given", ""},
        BrokenCode{"Interrupted", "def handler(e, c): raise KeyboardInterrupt()\n", "hello.handler",
                   "KeyboardInterrupt", "", "handler"},
        BrokenCode{"UnprintableError",
                   "class Bad(Exception):\n  def __str__(self): return 1\n"
                   "def handler(e, c): raise Bad()\n",
                   "hello.handler", "Bad", "str() failed", "handler"},
        BrokenCode{"EndlessRecursion", "def handler(e, c): return handler(e, c)\n", "hello.handler",
                   "RecursionError", "maximum recursion depth", "handler"}),
    [](const auto& code) { return std::string(code.param.name); });

TEST(Python3, LoadsAgainWhatFailedOnce) {
  const ScratchDirectory state;
  Python hello(Files{{"hello.py",
                      "import os\n"
                      "try: os.mkdir(os.environ['STATE'] + '/seen')\n"
                      "except FileExistsError: pass\n"
                      "else: raise RuntimeError('not yet')\n"
                      "def handler(event, context): return 'now'\n"}},
               "hello.handler", {{"STATE", state.path()}});
  EXPECT_EQ(ErrorField(hello->Invoke("1"), "message"), "not yet");
  EXPECT_EQ(hello->Invoke("1"), Returned("\"now\""));
}

TEST(Python3, ExitsInsideTheFirstInvocationIfTheModuleExits) {
  Python hello("import sys\nsys.exit(5)\n");
  hello->Send(InvokeFrame("1"));
  EXPECT_EQ(WEXITSTATUS(hello->Wait()), 5);
}

TEST(Python3, ReplacesHalvesOfSurrogatePairs) {
  Python hello("def handler(event, context): return ['a\\ud83d', '\\ud83d\\ude00', 'é']\n");
  const Answer answer = hello->Invoke("1");
  EXPECT_EQ(answer, Returned("[\"a\uFFFD\", \"😀\", \"é\"]"));
  EXPECT_TRUE(CheckJson(answer.body).ok());
}

TEST(Python3, EncodesWhatJsonAllows) {
  Python hello(
      "def handler(event, context):\n"
      "    return {1: (2, 3.5), None: True, 'q': '\"\\n\\x00', 'e': []}\n");
  EXPECT_EQ(hello->Invoke("1"),
            Returned(R"({"1": [2, 3.5], "null": true, "q": "\"\n\u0000", "e": []})"));
}

TEST(Python3, RefusesNumbersOfAbsurdLengthAndGoesOn) {
  Python hello("def handler(event, context): return event\n");
  EXPECT_EQ(ErrorField(hello->Invoke(std::string(5000, '9')), "type"), "Runtime.UnmarshalError");
  EXPECT_EQ(hello->Invoke("1"), Returned("1"));
}

TEST(Python3, ShowsLinesInTheLogAsTheyArePrinted) {
  Python hello(
      "import os\n"
      "def handler(event, context):\n"
      "    print('line')\n"
      "    os._exit(3)\n");
  hello->Send(InvokeFrame("1"));
  EXPECT_EQ(WEXITSTATUS(hello->Wait()), 3);
  EXPECT_EQ(hello->TakeLog(), "line\n");
}

TEST(Python3, SurvivesAFunctionThatClosesOrReplacesItsOutput) {
  Python hello(
      "import sys\n"
      "def handler(event, context):\n"
      "    sys.stdout.close()\n"
      "    sys.stdout = sys.stderr = None\n"
      "    return 'fine'\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("\"fine\""));
}

TEST(Python3, PrintsWhatHasNoUtf8) {
  Python hello("def handler(event, context): print('\\ud83d')\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("null"));
  EXPECT_EQ(hello->TakeLog(), "\\ud83d\n");
}

TEST(Python3, HasExitAndThreadsAndSubprocesses) {
  Python hello(
      "import multiprocessing, subprocess, threading\n"
      "def handler(event, context):\n"
      "    if event == 'exit': exit(4)\n"
      "    found = []\n"
      "    thread = threading.Thread(target=lambda: found.append(1))\n"
      "    thread.start(); thread.join()\n"
      "    found.append(subprocess.check_output(['echo', 'hi'], text=True))\n"
      "    child = multiprocessing.Process(target=print, args=('child',), kwargs={'flush': True})\n"
      "    child.start(); child.join()\n"
      "    return found\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("[1, \"hi\\n\"]"));
  EXPECT_EQ(hello->TakeLog(), "child\n");
  hello->Send(InvokeFrame("\"exit\""));
  EXPECT_EQ(WEXITSTATUS(hello->Wait()), 4);
}

TEST(Python3, ImportsLittleBeforeTheFirstEvent) {
  Python hello(
      "import sys\n"
      "heavy = {'os', 're', 'json', 'asyncio', 'traceback', 'inspect', 'site'} & set(sys.modules)\n"
      "def handler(event, context): return sorted(heavy)\n");
  EXPECT_EQ(hello->Invoke("1"), Returned("[]"));
}

}  // namespace
}  // namespace nanogrid::testing
