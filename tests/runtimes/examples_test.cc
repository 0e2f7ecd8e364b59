// The functions in examples/functions do what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtimes/function_process.h"

namespace nanogrid::testing {
namespace {

using ::testing::HasSubstr;

struct Example {
  std::string file, runtime, needs, event, result;
};
void PrintTo(const Example& example, std::ostream* out) { *out << example.file; }

class ExampleFunction : public ::testing::TestWithParam<Example> {};

std::string Content(const std::string& file) {
  std::ifstream in(EXAMPLE_FUNCTIONS "/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_P(ExampleFunction, Answers) {
  const Example& example = GetParam();
  if (access(example.needs.c_str(), X_OK) != 0) GTEST_SKIP() << "there is no " << example.needs;
  const InstalledRuntime runtime(example.runtime);
  const ScratchDirectory code(Files{{example.file, Content(example.file)}}), out;
  const std::string stem = std::filesystem::path(example.file).stem();
  std::string program = code.path() + "/" + example.file;
  if (example.runtime == "native") program = runtime.Compile(code, example.file, out);
  std::string result;
  if (runtime.runtime().protocol == Protocol::kStdio) {
    result = RunToEnd(runtime.Command(program), code.path(), {}, example.event).out;
  } else {
    FunctionProcess process(runtime.Command(program), code.path(),
                            {{"_HANDLER", stem + ".handler"}});
    const Answer answer = process.Invoke(example.event);
    EXPECT_EQ(answer.type, FrameType::kResult);
    result = answer.body;
  }
  EXPECT_THAT(result, HasSubstr(example.result));
  boost::json::error_code error;
  boost::json::parse(result, error);
  EXPECT_FALSE(error) << result;
}

INSTANTIATE_TEST_SUITE_P(
    Functions, ExampleFunction,
    ::testing::Values(
        Example{"hello.py", "python3", "/usr/bin/python3", R"({"name": "Ada"})", "Hello, Ada!"},
        Example{"hello.js", "nodejs", "/usr/bin/node", R"({"name": "Ada"})", "Hello, Ada!"},
        Example{"hello.cpp", "native", "/usr/bin/g++", R"({"name": "Ada"})", "Hello from C++!"},
        Example{"hello.go", "native", "/usr/bin/go", R"({"name": "Ada"})", "Hello, Ada!"},
        Example{"hello.sh", "exec", "/bin/sh", R"({"name": "Ada"})", "Hello, Ada!"},
        Example{"word_count.py", "python3", "/usr/bin/python3",
                R"({"text": "to be or not to be", "top": 1})", R"("to": 2)"},
        Example{"deadline.py", "python3", "/usr/bin/python3", R"({"samples": 10000})",
                R"("pi": 3.)"},
        Example{"parallel.mjs", "nodejs", "/usr/bin/node", "null", R"(["one\n","two\n"])"},
        Example{"primes.cpp", "native", "/usr/bin/g++", "1000", "168"}),
    [](const auto& example) {
      std::string name = example.param.file;
      std::erase_if(name, [](char c) { return c == '.' || c == '_'; });
      return name;
    });

}  // namespace
}  // namespace nanogrid::testing
