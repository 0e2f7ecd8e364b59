// What holds for every runtime that speaks frames, with one program per language that does the same
// (functions/contract.*).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "runtimes/function_process.h"

namespace nanogrid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Language {
  std::string name;
  std::string runtime;
  std::string file;       // of functions/
  std::string exception;  // type of what it throws
  std::string stack;      // in the stack of what it throws
};
void PrintTo(const Language& language, std::ostream* out) { *out << language.name; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class EveryRuntime : public ::testing::TestWithParam<Language> {
 protected:
  void SetUp() override {
    const std::string& file = GetParam().file;
    const std::string& needed = runtime_.runtime().requires_path;
    if (!needed.empty() && !std::filesystem::exists(needed)) {
      GTEST_SKIP() << "there is no " << needed;
    }
    const std::string program = file == "contract.cpp" ? CONTRACT_CPP_PROGRAM : CONTRACT_GO_PROGRAM;
    if (program.empty() && file == "contract.go") GTEST_SKIP() << "there was no go to build with";
    const std::map<std::string, std::string> env = {{"_HANDLER", "contract.handler"}};
    function_ = std::make_unique<FunctionProcess>(runtime_.Command(program), code_.path(), env);
  }

  Answer Invoke(std::string_view event) { return function_->Invoke(event); }

  InstalledRuntime runtime_{GetParam().runtime};
  ScratchDirectory code_{{{GetParam().file, ReadFile(CONTRACT_FUNCTIONS "/" + GetParam().file)}}};
  std::unique_ptr<FunctionProcess> function_;
};

TEST_P(EveryRuntime, AnswersAnEventAndKeepsTheLogEmpty) {
  EXPECT_EQ(Invoke(R"(["Ada",1.5,null,true])").type, FrameType::kResult);
  EXPECT_EQ(Invoke("17"), Returned("17"));
  EXPECT_EQ(function_->TakeLog(), "");
}

TEST_P(EveryRuntime, AcceptsWhiteSpaceAroundTheEvent) {
  EXPECT_EQ(boost::json::parse(Invoke(" \n\t[1] \r\n").body), boost::json::parse("[1]"));
}

TEST_P(EveryRuntime, KeepsUnicode) {
  EXPECT_EQ(Invoke("\"Zoë 日本 😀\""), Returned("\"Zoë 日本 😀\""));
}

TEST_P(EveryRuntime, ServesManyInvocationsInOneProcess) {
  for (int i = 0; i < 2000; ++i) {
    const std::string event = std::to_string(i);
    ASSERT_EQ(Invoke(event), Returned(event));
  }
}

TEST_P(EveryRuntime, TakesAndAnswersLargeEvents) {
  const std::string event = '"' + std::string(32 << 20, 'a') + '"';
  EXPECT_TRUE(Invoke(event) == Returned(event));
  EXPECT_EQ(Invoke("1"), Returned("1"));
}

TEST_P(EveryRuntime, TakesEventsThatJustFitItsBufferAndJustNot) {
  for (size_t size = 65536 - 40; size < 65536 + 4; ++size) {
    const std::string event = '"' + std::string(size, 'b') + '"';
    ASSERT_TRUE(Invoke(event) == Returned(event)) << size;
  }
}

TEST_P(EveryRuntime, TakesFramesThatArriveByteByByte) {
  EXPECT_EQ(Invoke("0"), Returned("0"));  // it is waiting now
  for (const char byte : InvokeFrame("\"slowly\"")) {
    function_->Send({&byte, 1});
    usleep(100);  // gives it a chance to see the fragment; the test holds without
  }
  EXPECT_EQ(function_->Receive(), Returned("\"slowly\""));
}

TEST_P(EveryRuntime, TellsTheContext) {
  const Answer answer = function_->Invoke("\"context\"", 0, "id-Ω");
  ASSERT_EQ(answer.type, FrameType::kResult) << answer.body;
  EXPECT_EQ(boost::json::parse(answer.body), boost::json::parse(R"({
      "request_id": "id-Ω", "name": "under-test", "version": "7", "memory": 128,
      "limited": false, "hurry": false, "late": false})"));
}

TEST_P(EveryRuntime, TellsTheDeadlineOfEachInvocation) {
  using std::chrono::system_clock;
  const auto after = [](int64_t seconds) {
    const auto when = system_clock::now() + std::chrono::seconds(seconds);
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  };
  const auto ask = [&](int64_t deadline_ms) {
    return function_->Invoke("\"context\"", deadline_ms).body;
  };
  const auto told = [&](int64_t deadline_ms) {
    const auto context = boost::json::parse(ask(deadline_ms)).as_object();
    return std::string(context.at("limited").as_bool() ? "limited " : "") +
           (context.at("hurry").as_bool() ? "hurry " : "") +
           (context.at("late").as_bool() ? "late" : "");
  };
  EXPECT_EQ(told(after(3600)), "limited hurry ");
  EXPECT_EQ(told(after(-10)), "limited hurry late");
  EXPECT_EQ(told(0), "");
}

TEST_P(EveryRuntime, HasEverythingInTheLogBeforeItAnswers) {
  EXPECT_EQ(Invoke("\"print\""), Returned("null"));
  EXPECT_EQ(function_->TakeLog(), "first\nsecond\nno newline");
  EXPECT_EQ(Invoke("\"print much\""), Returned("null"));
  EXPECT_EQ(function_->TakeLog().size(), 500000u);
}

TEST_P(EveryRuntime, ReportsExceptionsAndGoesOn) {
  const Answer answer = Invoke("\"throw\"");
  EXPECT_EQ(ErrorField(answer, "type"), GetParam().exception);
  EXPECT_EQ(ErrorField(answer, "message"), "no \"good\" ünd\n");
  EXPECT_THAT(ErrorField(answer, "stack"), HasSubstr(GetParam().stack));
  EXPECT_THAT(ErrorField(answer, "stack"), Not(HasSubstr("bootstrap")));
  EXPECT_EQ(Invoke("1"), Returned("1"));
}

TEST_P(EveryRuntime, ReportsProgressBeforeItAnswers) {
  const Answer first = Invoke("\"progress\"");
  EXPECT_EQ(first.type, FrameType::kProgress);
  EXPECT_EQ(boost::json::parse(first.body), boost::json::parse(R"({"done": 0.5})"));
  EXPECT_EQ(function_->Receive(), (Answer{FrameType::kProgress, "\"nearly\""}));
  EXPECT_EQ(function_->Receive(), Returned("null"));
}

TEST_P(EveryRuntime, ShowsChildrensOutputButNotTheChannelToThem) {
  EXPECT_EQ(Invoke("\"child\""), Returned("null"));
  EXPECT_EQ(function_->TakeLog(), "closed\n");
}

TEST_P(EveryRuntime, LetsAFunctionExit) {
  function_->Send(InvokeFrame("\"exit\""));
  const int status = function_->Wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_P(EveryRuntime, ExitsWithSuccessWhenTheChannelEnds) {
  EXPECT_EQ(Invoke("1"), Returned("1"));
  EXPECT_EQ(function_->CloseAndWait(), 0);
}

TEST_P(EveryRuntime, ExitsWithSuccessWhenTheChannelEndsBeforeAnyEvent) {
  EXPECT_EQ(function_->CloseAndWait(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Runtimes, EveryRuntime,
    ::testing::Values(Language{"Python3", "python3", "contract.py", "Oops", "in handler\n"},
                      Language{"NodeJs", "nodejs", "contract.js", "Oops", "contract.js:"},
                      Language{"Cpp", "native", "contract.cpp", "Oops", ""},
                      Language{"Go", "native", "contract.go", "Oops", ""}),
    [](const auto& language) { return language.param.name; });

}  // namespace
}  // namespace nanogrid::testing
