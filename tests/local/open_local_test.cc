// The whole path, from OpenLocal to a result, in the real sandbox.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "engine/status_matchers.h"
#include "engine/temp_directory.h"
#include "engine/zip_builder.h"
#include "nanogrid/nanogrid.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

bool HasProgram(const char* path) { return ::access(path, X_OK) == 0; }

#define NEEDS_PROGRAM(path) \
  if (!HasProgram(path)) GTEST_SKIP() << "needs " path

class Collector final : public LogSink {
 public:
  void Write(std::string_view bytes) override { text += bytes; }
  std::string text;
};

class Local : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("TMPDIR", directory_.path().c_str(), 1), 0);
    const IsolationReport report = InspectLinuxSandbox();
    for (const IsolationCheck& check : report.checks) {
      if (check.level == IsolationCheck::Level::kError) {
        GTEST_SKIP() << "no sandbox here: " << check.name << ": " << check.detail;
      }
    }
    Open();
  }
  void TearDown() override {
    engine_.reset();
    EXPECT_TRUE(Entries().empty()) << "the engine left files behind";
    ::unsetenv("TMPDIR");
  }

  void Open(const LocalOptions& options = {}) {
    engine_.reset();
    auto engine = OpenLocal(options);
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
  }
  void Register(const FunctionSpec& spec) { ASSERT_THAT(engine_->Register(spec), IsOk()); }
  Result<Outcome> Invoke(const std::string& function, std::string event = "null",
                         const Context& context = {}) {
    return engine_->Invoke(context,
                           {.function = function, .event = std::move(event), .log = &log_});
  }
  std::vector<std::string> Entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  TempDirectory directory_;
  Collector log_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(Local, PythonAnswersColdThenWarm) {
  NEEDS_PROGRAM("/usr/bin/python3");
  Register({.name = "hello",
            .code = Code::Inline("hello.py",
                                 "def handler(event, context):\n"
                                 "    print('to the log')\n"
                                 "    return {'hello': event['name']}\n")});
  const auto cold = Invoke("hello", R"({"name": "Ada"})");
  ASSERT_THAT(cold, IsOk());
  EXPECT_EQ(cold->ending, Ending::kReturned);
  EXPECT_EQ(cold->result, R"({"hello": "Ada"})");
  EXPECT_EQ(cold->start, StartKind::kCold);
  EXPECT_EQ(log_.text, "to the log\n");
  const auto warm = Invoke("hello", R"({"name": "Bo"})");
  ASSERT_THAT(warm, IsOk());
  EXPECT_EQ(warm->result, R"({"hello": "Bo"})");
  EXPECT_EQ(warm->start, StartKind::kWarm);
}

TEST_F(Local, AFrozenInstanceIsThawedByTheNextInvocation) {
  NEEDS_PROGRAM("/usr/bin/python3");
  LocalOptions options;
  options.scheduler.freeze_after = 0s;
  Open(options);
  Register({.name = "f", .code = Code::Inline("f.py", "def handler(e, c): return e")});
  for (int i = 0; i < 50; ++i) {
    const auto outcome = Invoke("f", std::to_string(i), Context::WithTimeout(30s));
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->result, std::to_string(i));
  }
}

TEST_F(Local, AZipOfSeveralFilesIsSeenAsItIs) {
  NEEDS_PROGRAM("/usr/bin/python3");
  Register({.name = "zip",
            .code = Code::Zip(
                MakeZip({{.name = "app.py",
                          .content = "import os, lib.inner\n"
                                     "def handler(event, context):\n"
                                     "    return [lib.inner.value, open('link.txt').read(),\n"
                                     "            os.access('tool', os.X_OK), os.getcwd()]\n"},
                         {.name = "lib/inner.py", .content = "value = 42"},
                         {.name = "data.txt", .content = "data"},
                         {.name = "link.txt", .content = "data.txt", .mode = 0120777},
                         {.name = "tool", .content = "#!/bin/sh", .mode = 0100755}})),
            .handler = "app.handler"});
  const auto outcome = Invoke("zip");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, R"([42, "data", true, "/var/task"])");
}

TEST_F(Local, NodeAnswers) {
  NEEDS_PROGRAM("/usr/bin/node");
  Register({.name = "f",
            .code = Code::Inline("f.js", "exports.handler = async (event) => event.n + 1;")});
  const auto outcome = Invoke("f", R"({"n": 41})");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, "42");
}

TEST_F(Local, CppIsCompiledAtRegistrationAndErrorsAreTheCompilers) {
  NEEDS_PROGRAM("/usr/bin/g++");
  Register({.name = "exec",
            .code = Code::Inline(
                "main.cpp",
                "#include <cstdio>\n"
                "int main() { int c; while ((c = getchar()) != EOF) putchar(c ^ 32); }"),
            .runtime = "exec"});
  const auto outcome = Invoke("exec", "hELLO");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, "Hello");
  EXPECT_THAT(engine_->Register({.name = "bad", .code = Code::Inline("bad.cpp", "int main( {")}),
              FailsWith(kInvalidArgument, "'bad.cpp' does not compile"));
}

TEST_F(Local, AProgramTakesBytesAndGivesBytes) {
  Register({.name = "cat", .code = Code::Inline("cat.sh", "#!/bin/sh\ncat\n")});
  const std::string bytes("\0\xff not JSON", 11);
  const auto outcome = Invoke("cat", bytes);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, bytes);
  EXPECT_FALSE(outcome->result_is_json);
}

TEST_F(Local, ATimeoutEndsTheInvocationAndTheFunctionGoesOn) {
  NEEDS_PROGRAM("/usr/bin/python3");
  FunctionSpec spec = {.name = "f",
                       .code = Code::Inline("f.py",
                                            "def handler(event, context):\n"
                                            "    while event: pass\n"
                                            "    return 'done'\n")};
  spec.limits.timeout = 500ms;
  Register(spec);
  EXPECT_EQ(Invoke("f", "true")->ending, Ending::kTimeout);
  EXPECT_EQ(Invoke("f", "false")->result, R"("done")");
}

TEST_F(Local, ACancelledInvocationIsDead) {
  Register(
      {.name = "sleep", .code = Code::Inline("sleep.sh", "#!/bin/sh\necho up >&2\nsleep 1000\n")});
  class StopAtFirstWord final : public LogSink {
   public:
    void Write(std::string_view) override { stop.request_stop(); }
    std::stop_source stop;
  } sink;
  const auto outcome = engine_->Invoke(Context::WithStop(sink.stop.get_token()),
                                       {.function = "sleep", .log = &sink});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->ending, Ending::kCancelled);
}

TEST_F(Local, EnginesShareNothing) {
  auto other = OpenLocal();
  ASSERT_THAT(other, IsOk());
  Register({.name = "f", .code = Code::Inline("f.sh", "#!/bin/sh\necho mine\n")});
  EXPECT_THAT((*other)->Invoke({}, {.function = "f"}), FailsWith(kNotFound, "f"));
  EXPECT_EQ(Entries().size(), 2);
}

TEST_F(Local, ObjectsInADirectoryOutliveTheEngine) {
  const TempDirectory objects;
  LocalOptions options;
  options.objects = "file://" + objects.path();
  Open(options);
  Register({.name = "f", .code = Code::Inline("f.sh", "#!/bin/sh\necho kept\n")});
  Open(options);
  Register({.name = "f", .code = Code::Inline("f.sh", "#!/bin/sh\necho kept\n")});
  EXPECT_EQ(Invoke("f")->result, "kept\n");
}

TEST_F(Local, UnknownStoresAreNamed) {
  LocalOptions options;
  options.objects = "s3://bucket";
  EXPECT_THAT(OpenLocal(options), FailsWith(kUnimplemented, "'s3:' is not in this build"));
  options.objects = "memory:?x=1";
  EXPECT_THAT(OpenLocal(options), FailsWith(kInvalidArgument, "memory:"));
}

TEST_F(Local, FilesOfAKilledProcessAreRemovedByTheNextEngine) {
  engine_.reset();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();  // no threads here now
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto engine = OpenLocal();
    const char answer = engine.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const std::vector<std::string> before = Entries();
  ASSERT_EQ(before.size(), 1);
  Open();  // the owner lives: its files stay
  EXPECT_EQ(Entries().size(), 2);
  engine_.reset();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Entries(), before);
  Open();
  EXPECT_EQ(Entries().size(), 1);
  EXPECT_NE(Entries(), before);
}

}  // namespace
}  // namespace nanogrid
