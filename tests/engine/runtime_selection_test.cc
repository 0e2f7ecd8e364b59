#include "engine/runtime_selection.h"

#include <gtest/gtest.h>

#include "engine/status_matchers.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;
using Kind = CodeEntry::Kind;

// A listing of empty files; names that end in '*' are programs.
CodeListing Files(std::initializer_list<std::string> names) {
  CodeListing listing;
  for (std::string name : names) {
    const bool program = name.ends_with('*');
    if (program) name.pop_back();
    listing[name] = {program ? Kind::kProgram : Kind::kFile, ""};
  }
  return listing;
}

struct Case {
  const char* title;
  CodeListing listing;
  const char* runtime;
  const char* handler;
  const char* expected;  // "runtime handler main_file[ compiled]", or part of the error
};
void PrintTo(const Case& test, std::ostream* out) { *out << test.title; }

std::string Select(const Case& test) {
  static const std::vector<Runtime> runtimes = BuiltinRuntimes();
  const auto choice = SelectRuntime(test.listing, runtimes, test.runtime, test.handler);
  if (!choice.ok()) {
    EXPECT_EQ(choice.status().code(), kInvalidArgument);
    return std::string(choice.status().message());
  }
  return choice->runtime->name + " " + choice->handler + " " + choice->main_file +
         (choice->compiler != nullptr ? " compiled" : "");
}

class Selects : public ::testing::TestWithParam<Case> {};

TEST_P(Selects, TheRuntimeAndHandler) { EXPECT_EQ(Select(GetParam()), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    RuntimeSelection, Selects,
    ::testing::Values(
        Case{"OnlyFile", Files({"hello.py"}), "", "", "python3 hello.handler hello.py"},
        Case{"JavaScript", Files({"hello.mjs"}), "", "", "nodejs hello.handler hello.mjs"},
        Case{"CppIsCompiledToNative", Files({"hello.cpp"}), "", "",
             "native hello.cpp hello.cpp compiled"},
        Case{"CppCanBeExec", Files({"hello.cpp"}), "exec", "", "exec hello.cpp hello.cpp compiled"},
        Case{"GoIsCompiled", Files({"main.go"}), "", "", "native main.go main.go compiled"},
        Case{"ExecutableIsExec", Files({"hello*"}), "", "", "exec hello hello"},
        Case{"ExecutableCanBeNative", Files({"hello*"}), "native", "", "native hello hello"},
        Case{"ExtensionBeatsExecutableBit", Files({"hello.py*"}), "", "",
             "python3 hello.handler hello.py"},
        Case{"RuntimeOverridesExtension", Files({"hello.py*"}), "exec", "",
             "exec hello.py hello.py"},
        Case{"BestNamed", Files({"main.py", "util.py", "x.txt"}), "", "",
             "python3 main.handler main.py"},
        Case{"LambdaName", Files({"lambda_function.py", "util.py"}), "", "",
             "python3 lambda_function.handler lambda_function.py"},
        Case{"BestNamedOfAllLanguages", Files({"index.js", "tool.py"}), "", "",
             "nodejs index.handler index.js"},
        Case{"TopLevelBeatsDeeper", Files({"app.py", "lib/main.py"}), "", "",
             "python3 app.handler app.py"},
        Case{"OnlyOneAnywhere", Files({"src/f.py", "data.txt"}), "", "",
             "python3 src/f.handler src/f.py"},
        Case{"RuntimeNarrows", Files({"a.py", "b.js"}), "nodejs", "", "nodejs b.handler b.js"},
        Case{"Handler", Files({"a.py", "b.py"}), "", "b.work", "python3 b.work b.py"},
        Case{"HandlerInDirectory", Files({"src/a.py", "b.py"}), "", "src/a.work",
             "python3 src/a.work src/a.py"},
        Case{"HandlerAsModule", Files({"pkg/mod.py", "b.py"}), "", "pkg.mod.work",
             "python3 pkg/mod.work pkg/mod.py"},
        Case{"HandlerNamesOnlyTheFile", Files({"a.py", "b.py"}), "", "b", "python3 b.handler b.py"},
        Case{"HandlerIsTheFile", Files({"a.py", "b.py"}), "", "b.py", "python3 b.handler b.py"},
        Case{"HandlerIsAProgram", Files({"a*", "bin/b*"}), "", "bin/b", "exec bin/b bin/b"},
        Case{"HandlerIsASource", Files({"a.cpp", "b.cpp"}), "", "b.cpp",
             "native b.cpp b.cpp compiled"},
        Case{"HiddenFilesHaveNoExtension", Files({".py", "a.py"}), "", "",
             "python3 a.handler a.py"}),
    [](const auto& test) { return test.param.title; });

class Refuses : public ::testing::TestWithParam<Case> {};

TEST_P(Refuses, AndSaysWhatThereIs) {
  EXPECT_THAT(Select(GetParam()), ::testing::HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    RuntimeSelection, Refuses,
    ::testing::Values(
        Case{"Ambiguous", Files({"a.py", "b.py"}), "", "",
             "several files could be the function: 'a.py', 'b.py'; name one with handler "
             "(--handler)"},
        Case{"TwoGoodNames", Files({"app.py", "main.py", "x.py"}), "", "", "'app.py', 'main.py';"},
        Case{"NothingToRun", Files({"notes.txt"}), "", "",
             "nothing that a runtime can run among 'notes.txt'; known file types: '.py', '.js'"},
        Case{"NothingForTheRuntime", Files({"a.py"}), "nodejs", "",
             "nothing that runtime 'nodejs' can run among 'a.py'"},
        Case{"HandlerWithoutFile", Files({"a.py"}), "", "b.handler",
             "the code has no file for 'b.handler'; it has 'a.py'"},
        Case{"HandlerOfTwoLanguages", Files({"a.py", "a.js"}), "", "a.handler",
             "'a.handler' could be 'a.py', 'a.js'; choose a runtime (--runtime)"},
        Case{"NotExecutable", Files({"tool"}), "exec", "tool",
             "runtime 'exec' cannot run 'tool'; is it executable (chmod +x)?"},
        Case{"ListsAreCut",
             Files({"1.py", "2.py", "3.py", "4.py", "5.py", "6.py", "7.py", "8.py", "9.py"}), "",
             "", "'8.py', …"},
        Case{"UnknownRuntime", Files({"a.py"}), "perl", "",
             "runtime: there is no 'perl'; there are 'python3', 'nodejs', 'native', 'exec'"}),
    [](const auto& test) { return test.param.title; });

}  // namespace
}  // namespace nanogrid
