// What is particular to runtime nodejs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "core/json.h"
#include "runtimes/function_process.h"

namespace nanogrid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class NodeJs : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "there is no /usr/bin/node";
  }

  void Start(const Files& files, const std::string& handler = "hello.handler") {
    code_.emplace(files);
    process_.emplace(runtime_.Command(), code_->path(),
                     std::map<std::string, std::string>{{"_HANDLER", handler}});
  }
  void Start(const std::string& source) { Start(Files{{"hello.js", source}}); }
  Answer Invoke(std::string_view event) { return process_->Invoke(event); }
  int ExitStatus() { return WEXITSTATUS(process_->Wait()); }

  InstalledRuntime runtime_{"nodejs"};
  std::optional<ScratchDirectory> code_;
  std::optional<FunctionProcess> process_;
};

TEST_F(NodeJs, TakesPlainAsyncAndCallbackHandlers) {
  const Files files = {{"hello.js", R"(
    exports.plain = (event) => [event];
    exports.nothing = (event, context) => {};
    exports.promise = (event) => new Promise((done) => setTimeout(() => done([event]), 1));
    exports.now = (event, context, callback) => { callback(null, [event]); };
    exports.later = (event, context, callback) => { setTimeout(callback, 1, null, [event]); };
    exports.silent = (event, context, callback) => {};
  )"}};
  for (const std::string name : {"plain", "nothing", "promise", "now", "later", "silent"}) {
    Start(files, "hello." + name);
    const bool none = name == "nothing" || name == "silent";
    for (const char* event : {"1", "2"}) {
      EXPECT_EQ(Invoke(event), Returned(none ? "null" : '[' + std::string(event) + ']')) << name;
    }
  }
}

TEST_F(NodeJs, ReportsErrorsGivenToTheCallback) {
  Start("exports.handler = (event, context, callback) => callback(new TypeError('no'));");
  EXPECT_EQ(ErrorField(Invoke("1"), "type"), "TypeError");
  EXPECT_EQ(ErrorField(Invoke("1"), "message"), "no");
}

TEST_F(NodeJs, ReportsWhateverIsThrown) {
  Start("exports.handler = (event) => { throw event === 0 ? undefined : event; };");
  EXPECT_EQ(ErrorField(Invoke("\"text\""), "message"), "text");
  EXPECT_EQ(ErrorField(Invoke("\"text\""), "type"), "string");
  EXPECT_EQ(ErrorField(Invoke("null"), "message"), "null");
  EXPECT_EQ(ErrorField(Invoke("0"), "type"), "undefined");
  EXPECT_EQ(ErrorField(Invoke(R"({"message": 5, "name": 6})"), "message"), "5");
}

TEST_F(NodeJs, LoadsEveryKindOfModule) {
  const std::string import =
      "import {name} from './name.mjs';\n"
      "export const handler = async (event) => name;\n";
  const std::string require = "exports.handler = async (event) => 'required';\n";
  const Files name = {{"name.mjs", "export const name = await 'imported';\n"}};
  struct Case {
    Files files;
    std::string handler, answer;
  };
  const Case cases[] = {
      {{{"hello.mjs", import}}, "hello.handler", "\"imported\""},
      {{{"hello.js", import}, {"package.json", R"({"type": "module"})"}},
       "hello.handler",
       "\"imported\""},
      {{{"hello.js", require}}, "hello.handler", "\"required\""},
      {{{"hello.cjs", require}, {"package.json", R"({"type": "module"})"}},
       "hello.handler",
       "\"required\""},
      {{{"a/b c#1/hello.mjs", "export default {handler: () => 'default'};\n"}},
       "a/b c#1/hello.handler",
       "\"default\""},
      {{{"my.file.js", require}}, "my.file.handler", "\"required\""},
  };
  for (Case test : cases) {
    test.files.insert(name.begin(), name.end());
    Start(test.files, test.handler);
    EXPECT_EQ(Invoke("1"), Returned(test.answer)) << test.files.begin()->first;
  }
}

TEST_F(NodeJs, AnswersEveryInvocationOfBrokenCodeWithTheReason) {
  struct Case {
    std::string file, source, handler, type, message;
  };
  const Case cases[] = {
      {"hello.js", "", "other.handler", "Runtime.ImportModuleError", "Cannot find module 'other'"},
      {"hello.js", "require('nothere')", "hello.handler", "Runtime.ImportModuleError", "nothere"},
      {"hello.mjs", "import 'nothere'", "hello.handler", "Runtime.ImportModuleError", "nothere"},
      {"hello.js", "exports.handler = (", "hello.handler", "Runtime.UserCodeSyntaxError",
       "SyntaxError"},
      {"hello.mjs", "export const handler = (", "hello.handler", "Runtime.UserCodeSyntaxError",
       "SyntaxError"},
      {"hello.js", "exports.other = 1", "hello.handler", "Runtime.HandlerNotFound",
       "hello.handler is undefined"},
      {"hello.js", "exports.handler = 1", "hello.handler", "Runtime.HandlerNotFound",
       "hello.handler"},
      {"hello.js", "", "hello", "Runtime.MalformedHandlerName", "'hello'"},
      {"hello.js", "throw new RangeError('top')", "hello.handler", "RangeError", "top"},
      {"hello.js", "exports.handler = () => 1n", "hello.handler", "Runtime.MarshalError", "BigInt"},
      {"hello.js", "exports.handler = () => { const a = []; a.push(a); return a; }",
       "hello.handler", "Runtime.MarshalError", "circular"},
      {"hello.js", "exports.handler = function f() { f(); }", "hello.handler", "RangeError",
       "call stack"},
  };
  for (const Case& test : cases) {
    Start(Files{{test.file, test.source}}, test.handler);
    for (int i = 0; i < 2; ++i) {
      const Answer answer = Invoke("1");
      EXPECT_EQ(ErrorField(answer, "type"), test.type) << test.source;
      EXPECT_THAT(ErrorField(answer, "message"), HasSubstr(test.message));
      EXPECT_THAT(ErrorField(answer, "stack"), Not(HasSubstr("bootstrap.js")));
    }
  }
}

TEST_F(NodeJs, EndsWithTheErrorThatNobodyCaught) {
  Start("exports.handler = () => new Promise(() => setTimeout(() => { null.x; }, 1));");
  const Answer answer = Invoke("1");
  EXPECT_EQ(ErrorField(answer, "type"), "TypeError");
  EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr("hello.js:1"));
  EXPECT_EQ(ExitStatus(), 1);
}

TEST_F(NodeJs, BlamesAnUnhandledRejectionOnTheInvocationThatCausedIt) {
  Start("exports.handler = async () => { Promise.reject(new Error('lost')); return 'fine'; };");
  const Answer answer = Invoke("1");
  EXPECT_EQ(ErrorField(answer, "type"), "Runtime.UnhandledPromiseRejection");
  EXPECT_EQ(ErrorField(answer, "message"), "Error: lost");
  EXPECT_EQ(ExitStatus(), 1);
}

TEST_F(NodeJs, NoticesAPromiseThatCanNeverSettle) {
  Start("exports.handler = () => new Promise(() => {});");
  EXPECT_EQ(ErrorField(Invoke("1"), "type"), "Runtime.NodeJsExit");
  EXPECT_EQ(ExitStatus(), 1);
}

TEST_F(NodeJs, NoticesAModuleThatNeverLoads) {
  Start(Files{{"hello.mjs", "await new Promise(() => {});\nexport const handler = () => 1;\n"}});
  EXPECT_EQ(ErrorField(Invoke("1"), "type"), "Runtime.NodeJsExit");
}

TEST_F(NodeJs, EndsInsideTheFirstInvocationIfTheModuleExitsOrFailsLater) {
  Start("process.exit(5);");
  process_->Send(InvokeFrame("1"));
  EXPECT_EQ(ExitStatus(), 5);
  Start(Files{{"hello.mjs",
               "setTimeout(() => { throw new Error('late'); }, 1);\n"
               "await new Promise((done) => setTimeout(done, 60000));\n"}});
  EXPECT_EQ(ErrorField(Invoke("1"), "message"), "late");
  EXPECT_EQ(ExitStatus(), 1);
}

TEST_F(NodeJs, IgnoresAnswersAfterTheFirst) {
  Start(R"(exports.handler = (event, context, callback) => {
    callback(null, event);
    callback(null, 'again');
    setImmediate(callback, null, 'later');
  };)");
  for (const char* event : {"1", "2", "3"}) EXPECT_EQ(Invoke(event), Returned(event));
}

TEST_F(NodeJs, GivesPendingWorkATurnInEachInvocation) {
  Start(R"(
    let ticks = 0;
    setInterval(() => ++ticks, 0);
    exports.handler = (event) => ticks;
  )");
  std::string last = "0";
  for (int i = 0; i < 10000 && last == "0"; ++i) last = Invoke("1").body;
  EXPECT_NE(last, "0");
}

TEST_F(NodeJs, ReplacesHalvesOfSurrogatePairs) {
  Start(R"(exports.handler = () => ['a\ud83d', '\u{1f600}', '\\ud83d', '\\\udc00'];)");
  const Answer answer = Invoke("1");
  EXPECT_EQ(answer, Returned("[\"a\uFFFD\",\"😀\",\"\\\\ud83d\",\"\\\\\uFFFD\"]"));
  EXPECT_TRUE(CheckJson(answer.body).ok());
}

TEST_F(NodeJs, AnswersNullForWhatJsonHasNot) {
  Start("exports.handler = (event) => event ? () => 1 : undefined;");
  EXPECT_EQ(Invoke("true"), Returned("null"));
  EXPECT_EQ(Invoke("false"), Returned("null"));
}

}  // namespace
}  // namespace nanogrid::testing
