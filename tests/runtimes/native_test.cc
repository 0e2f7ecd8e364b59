// nanogrid/function.h, and what the compilers make of sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/json.h"
#include "nanogrid/function.h"  // beside the library's headers: they must get along
#include "nanogrid/nanogrid.h"
#include "runtimes/function_process.h"

namespace nanogrid::testing {
namespace {

using ::testing::HasSubstr;

const std::string kHelloCpp =
    "#include <nanogrid/function.h>\n"
    "std::string Name();\n"
    "NANOGRID_MAIN([](std::string_view) { return nanogrid::JsonString(Name()); })\n";
const std::string kNameCpp = "#include <string>\nstd::string Name() { return \"Ada\"; }\n";

TEST(JsonString, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("Zoë 😀"), "\"Zoë 😀\"");
  EXPECT_EQ(JsonString("a\"b\\c/\n\t\x01"), R"("a\"b\\c/\n\u0009\u0001")");
  EXPECT_EQ(JsonString(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonString, IsJsonForAnyBytes) {
  constexpr const char* kNoUtf8[] = {"\xFF",
                                     "\x80",
                                     "\xC0\x80",
                                     "\xE0\x80\x80",
                                     "\xED\xA0\x80",
                                     "\xC3",
                                     "\xE2\x82",
                                     "\xF0\x80\x80\x80",
                                     "\xF4\x90\x80\x80",
                                     "\xFE!",
                                     "\xF8\x88\x80\x80\x80"};
  for (const char* bytes : kNoUtf8) {
    const std::string json = JsonString(bytes);
    EXPECT_TRUE(CheckJson(json).ok()) << json;
    EXPECT_THAT(json, HasSubstr("\uFFFD"));
  }
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char pair[] = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_TRUE(CheckJson(JsonString({pair, 2})).ok()) << first << " " << second;
    }
  }
}

// Answers of `handler` served in this process.
template <typename Handler>
std::string AnswerOf(Handler handler, std::string_view event) {
  int pair[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd theirs(pair[1]);
  UniqueFd ours(pair[0]);
  const std::string frame = InvokeFrame(event);
  EXPECT_EQ(write(ours.get(), frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
  shutdown(ours.get(), SHUT_WR);
  EXPECT_EQ(Serve(handler, theirs.get(), theirs.get()), 0);
  char answer[4096];
  const ssize_t got = read(ours.get(), answer, sizeof answer);
  if (got < static_cast<ssize_t>(kFrameHeaderSize)) return "nothing";
  return std::to_string(answer[0]) + " " +
         std::string(answer + kFrameHeaderSize, static_cast<size_t>(got) - kFrameHeaderSize);
}

TEST(Serve, TakesHandlersOfSeveralShapes) {
  EXPECT_EQ(AnswerOf([](std::string_view event) { return event; }, "1"), "2 1");
  EXPECT_EQ(AnswerOf([](std::string_view) { return "[2]"; }, "1"), "2 [2]");
  EXPECT_EQ(AnswerOf([](std::string_view) {}, "1"), "2 null");
  EXPECT_EQ(AnswerOf([](std::string_view,
                        const FunctionContext& context) { return JsonString(context.request_id); },
                     "1"),
            "2 \"request-1\"");
}

TEST(Serve, NamesTheTypeOfWhatIsThrown) {
  EXPECT_EQ(AnswerOf([](std::string_view) { throw std::out_of_range("far"); }, "1"),
            R"(3 {"type": "std::out_of_range", "message": "far", "stack": ""})");
  EXPECT_EQ(AnswerOf([](std::string_view) { throw FunctionFailure("SoldOut", "no more"); }, "1"),
            R"(3 {"type": "SoldOut", "message": "no more", "stack": ""})");
  EXPECT_EQ(AnswerOf([](std::string_view) { throw 5; }, "1"),
            R"(3 {"type": "int", "message": "the handler threw a int", "stack": ""})");
}

TEST(Serve, SaysWhatIsWrongWithoutItsPipes) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Serve([](std::string_view) {}, 987), 2);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("descriptor 987"));
}

class Compiling : public ::testing::Test {
 protected:
  // The answer of the compiled `main_file`; empty if it does not compile.
  std::string AnswerOfCompiled(const Files& files, const std::string& main_file) {
    const ScratchDirectory code(files), out;
    const std::string program = runtime_.Compile(code, main_file, out);
    if (program.empty()) return "";
    FunctionProcess process(runtime_.Command(program), code.path());
    return process.Invoke("1").body;
  }

  InstalledRuntime runtime_{"native"};
};

class CompilingCpp : public Compiling {
  void SetUp() override {
    if (access("/usr/bin/g++", X_OK) != 0) GTEST_SKIP() << "there is no /usr/bin/g++";
  }
};

TEST_F(CompilingCpp, TakesAllSourcesBesideTheMainFile) {
  EXPECT_EQ(
      AnswerOfCompiled({{"src/hello.cpp", kHelloCpp}, {"src/name.cc", kNameCpp}}, "src/hello.cpp"),
      "\"Ada\"");
}

TEST_F(CompilingCpp, FailsIfASourceIsWrongOrMissing) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(AnswerOfCompiled({{"hello.cpp", kHelloCpp}}, "hello.cpp"), "");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("undefined reference to `Name"));
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(AnswerOfCompiled({{"hello.cpp", "int main() { return x; }\n"}}, "hello.cpp"), "");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("was not declared"));
}

TEST_F(CompilingCpp, MakesProgramsForExecToo) {
  const InstalledRuntime exec("exec");
  const ScratchDirectory code(
      Files{{"up.cxx", "#include <iostream>\nint main() { std::cout << std::cin.rdbuf(); }\n"}});
  const ScratchDirectory out;
  const std::string program = exec.Compile(code, "up.cxx", out);
  ASSERT_NE(program, "");
  const Finished finished = RunToEnd(exec.Command(program), code.path(), {}, "any bytes\xFF");
  EXPECT_EQ(finished.wait_status, 0);
  EXPECT_EQ(finished.out, "any bytes\xFF");
}

class CompilingGo : public Compiling {
 protected:
  void SetUp() override {
    if (access("/usr/bin/go", X_OK) != 0) GTEST_SKIP() << "there is no /usr/bin/go";
  }

  static std::string Hello(const std::string& imports, const std::string& value) {
    return "package main\nimport (\n\"encoding/json\"\n\"nanogrid\"\n" + imports +
           ")\nfunc main() {\n"
           "nanogrid.Start(func(nanogrid.Context, json.RawMessage) (any, error) {\n"
           "return " +
           value + ", nil\n})\n}\n";
  }
};

TEST_F(CompilingGo, TakesAllFilesOfThePackage) {
  EXPECT_EQ(AnswerOfCompiled({{"hello.go", Hello("", "name()")},
                              {"name.go", "package main\nfunc name() string { return \"Ada\" }\n"}},
                             "hello.go"),
            "\"Ada\"");
}

TEST_F(CompilingGo, TakesAModuleWithPackagesAndVendoredOnes) {
  const Files files = {
      {"go.mod", "module example.com/hello // ours\n\ngo 1.19\n"},
      {"cmd/hello/main.go",
       Hello("\"example.com/hello/name\"\n\"example.org/polite/v2\"\n", "polite.Greet(name.Name)")},
      {"name/name.go", "package name\nconst Name = \"Ada\"\n"},
      {"vendor/example.org/polite/v2/polite.go",
       "package polite\nfunc Greet(name string) string { return \"Dear \" + name }\n"}};
  EXPECT_EQ(AnswerOfCompiled(files, "cmd/hello/main.go"), "\"Dear Ada\"");
}

TEST_F(CompilingGo, FailsIfTheSourceIsWrong) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(AnswerOfCompiled({{"hello.go", Hello("", "missing()")}}, "hello.go"), "");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("undefined: missing"));
}

TEST_F(CompilingGo, ReportsPanicsWithTheirStackAndWhatIsNotJson) {
  const ScratchDirectory code({{"hello.go", Hello("", "map[string]any{\"f\": func() {}}")},
                               {"panic/hello.go", Hello("", "[]int{}[len(\"x\")]")}});
  const ScratchDirectory out, out2;
  FunctionProcess odd(runtime_.Command(runtime_.Compile(code, "hello.go", out)), code.path());
  EXPECT_EQ(ErrorField(odd.Invoke("1"), "type"), "Runtime.MarshalError");
  FunctionProcess panics(runtime_.Command(runtime_.Compile(code, "panic/hello.go", out2)),
                         code.path());
  const Answer answer = panics.Invoke("1");
  EXPECT_EQ(ErrorField(answer, "type"), "panic");
  EXPECT_THAT(ErrorField(answer, "message"), HasSubstr("index out of range"));
  EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr("hello.go"));
}

}  // namespace
}  // namespace nanogrid::testing
