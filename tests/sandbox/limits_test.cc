// Each limit that strikes ends the invocation with its own reason, and hurts nobody else.
#include <sys/inotify.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "core/unique_fd.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

using std::chrono::milliseconds;

// A warm instance of another function stands by; it must be there afterwards, with its state.
class Limit : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    bystander_ = Start(FrameServer("bystander"));
    ASSERT_TRUE(bystander_);
    EXPECT_THAT(Invoke(*bystander_, "count"), Returned("1"));
  }
  void TearDown() override {
    if (bystander_) {
      EXPECT_THAT(Invoke(*bystander_, "count"), Returned("2"));
      EXPECT_EQ(Output(Shell("echo new")), "new\n");
    }
    bystander_.reset();
    SandboxTest::TearDown();
  }
  // One invocation of a new instance, of which no process may be left when it has ended.
  Outcome RunAlone(const FunctionPackage& given, std::string_view event = "",
                   const Context& context = Context::WithTimeout(kHang)) {
    FunctionPackage package = given;
    package.command.back() += "alone";
    const auto instance = Start(package);
    if (!instance) return {};
    Outcome outcome = Invoke(*instance, event, log_, context);
    EXPECT_THAT(ProcessesWith(package.command.back()), IsEmpty());
    EXPECT_FALSE(instance->Reusable());
    EXPECT_THAT(outcome.usage.wall, Ge(Duration::zero()));
    return outcome;
  }

  std::unique_ptr<Instance> bystander_;
  CollectedLog log_;
};
INSTANTIATE_SANDBOX_TESTS(Limit);

TEST_P(Limit, ABusyLoopEndsByTimeout) {
  const TimePoint begin = std::chrono::steady_clock::now();
  const Outcome outcome = RunAlone(Probe({"spin"}), "", Context::WithTimeout(milliseconds(300)));
  EXPECT_THAT(outcome, EndedBy(Ending::kTimeout));
  EXPECT_THAT(std::chrono::steady_clock::now() - begin, Ge(milliseconds(300)));
  EXPECT_THAT(outcome.usage.cpu, Ge(milliseconds(1)));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->type, "timeout");
}

TEST_P(Limit, ASleepEndsByTimeout) {
  const Outcome outcome = RunAlone(Shell("sleep 1000"), "", Context::WithTimeout(milliseconds(50)));
  EXPECT_THAT(outcome, EndedBy(Ending::kTimeout));
}

TEST_P(Limit, ARuntimeThatDoesNotAnswerEndsByTimeout) {
  EXPECT_THAT(RunAlone(FrameServer(), "wait", Context::WithTimeout(milliseconds(50))),
              EndedBy(Ending::kTimeout));
}

TEST_P(Limit, AProgramThatStopsItselfEndsByTimeout) {
  EXPECT_THAT(RunAlone(Shell("kill -STOP $$"), "", Context::WithTimeout(milliseconds(50))),
              EndedBy(Ending::kTimeout));
}

TEST_P(Limit, AMemoryHogEndsByOutOfMemory) {
  FunctionPackage package = Probe({"hog"});
  package.limits.memory = 32 << 20;
  const Outcome outcome = RunAlone(package);
  EXPECT_THAT(outcome, EndedBy(Ending::kOutOfMemory));
  EXPECT_THAT(outcome.usage.peak_memory, Ge(16u << 20));
}

TEST_P(Limit, AChildThatHogsMemoryEndsItByOutOfMemoryAlthoughTheMainProcessSurvives) {
  FunctionPackage package = Shell("/var/task/probe hog $0; sleep 1000");
  package.limits.memory = 32 << 20;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kOutOfMemory));
}

TEST_P(Limit, ManyChildrenThatHogTogetherEndByOutOfMemory) {
  FunctionPackage package = Shell(
      "for i in 1 2 3 4 5 6 7 8; do head -c 8M /dev/zero | tail -c 8M | sleep 1000 & done; wait");
  package.limits.memory = 24 << 20;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kOutOfMemory));
}

TEST_P(Limit, FilesInTmpCountAsMemory) {
  if (!HasCgroups()) GTEST_SKIP() << "without control groups only processes are watched";
  FunctionPackage package = Shell("head -c 48M /dev/zero > /tmp/file; sleep 1000");
  package.limits.memory = 24 << 20;
  package.limits.tmp_size = 64 << 20;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kOutOfMemory));
}

TEST_P(Limit, ARuntimeThatStaysWithinItsMemoryReturns) {
  FunctionPackage package = Python("print(len(bytearray(24 << 20)))");
  package.limits.memory = 64 << 20;
  EXPECT_EQ(Output(package), "25165824\n");
}

TEST_P(Limit, AForkBombEndsByTooManyProcesses) {
  FunctionPackage package = Probe({"fork-bomb"});
  package.limits.max_processes = 32;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kTooManyProcesses));
}

TEST_P(Limit, AShellForkBombEndsByTooManyProcesses) {
  if (!HasCgroups()) GTEST_SKIP() << "it burns out before it is looked at, as forks are refused";
  FunctionPackage package = Shell("f() { f | f & }; f; sleep 1000");
  package.limits.max_processes = 32;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kTooManyProcesses));
}

TEST_P(Limit, AThreadBombEndsByTooManyProcesses) {
  FunctionPackage package = Probe({"thread-bomb"});
  package.limits.max_processes = 32;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kTooManyProcesses));
}

TEST_P(Limit, AProgramThatGivesUpWhenAForkIsRefusedEndsByTooManyProcesses) {
  if (!HasCgroups()) GTEST_SKIP() << "without control groups a refusal is not seen";
  FunctionPackage package = Python(R"py(
import os, time
while True:
  if os.fork() == 0:
    time.sleep(1000)
)py");
  package.limits.max_processes = 8;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kTooManyProcesses));
}

TEST_P(Limit, AsManyProcessesAsAllowedReturn) {
  FunctionPackage package = Shell("for i in 1 2 3 4 5 6 7; do sleep 0.01 & done; wait; echo done");
  package.limits.max_processes = 8;
  EXPECT_EQ(Output(package), "done\n");
}

TEST_P(Limit, AHundredMebibytesOfResultEndByOutputLimit) {
  const Outcome outcome = RunAlone(Shell("head -c 100M /dev/zero"));
  EXPECT_THAT(outcome, EndedBy(Ending::kOutputLimit));
  EXPECT_EQ(outcome.result, "");
}

TEST_P(Limit, AResultWithoutEndEndsByOutputLimit) {
  EXPECT_THAT(RunAlone(Shell("yes")), EndedBy(Ending::kOutputLimit));
}

TEST_P(Limit, ALogFloodEndsByOutputLimitAndTheLogIsCut) {
  FunctionPackage package = Shell("yes >&2");
  package.limits.max_output = 100'000;
  const Outcome outcome = RunAlone(package);
  EXPECT_THAT(outcome, EndedBy(Ending::kOutputLimit));
  EXPECT_TRUE(outcome.log_truncated);
  EXPECT_THAT(log_.text(), SizeIs(100'000));
}

TEST_P(Limit, ALogFloodOfARuntimeEndsByOutputLimit) {
  FunctionPackage package = FrameServer();
  package.limits.max_output = 100'000;
  const std::string text(200'000, 'x');
  EXPECT_THAT(RunAlone(package, "log:" + text), EndedBy(Ending::kOutputLimit));
  EXPECT_THAT(log_.text(), SizeIs(100'000));
}

TEST_P(Limit, ResultAndLogCountTogether) {
  FunctionPackage package = Shell("head -c 600 /dev/zero >&2; head -c 600 /dev/zero");
  package.limits.max_output = 1000;
  EXPECT_THAT(RunAlone(package), EndedBy(Ending::kOutputLimit));
  package.limits.max_output = 1200;
  EXPECT_THAT(Run(package), EndedBy(Ending::kReturned));
}

TEST_P(Limit, TheOutputLimitIsPerInvocation) {
  FunctionPackage package = FrameServer();
  package.limits.max_output = 1000;
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Invoke(*instance, "log:" + std::string(900, 'x')), Returned("null"));
  }
}

TEST_P(Limit, AnAnnouncedGiantEndsByOutputLimitBeforeItComes) {
  // RESULT of 1 GiB, of which no byte follows.
  EXPECT_THAT(RunAlone(FrameServer(), "raw:020000000000000000000040000000000000000000000000"),
              EndedBy(Ending::kOutputLimit));
}

TEST_P(Limit, AnExitCodeIsReported) {
  const Outcome outcome = RunAlone(Shell("echo partial; exit 7"));
  EXPECT_THAT(outcome, EndedBy(Ending::kExited));
  EXPECT_EQ(outcome.exit_code, 7);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->type, "exited");
}

TEST_P(Limit, ARuntimeThatExitsInAnInvocationIsReported) {
  const Outcome zero = RunAlone(FrameServer(), "exit:0");
  EXPECT_THAT(zero, EndedBy(Ending::kExited));
  EXPECT_EQ(zero.exit_code, 0);
  EXPECT_EQ(RunAlone(FrameServer(), "exit:9").exit_code, 9);
}

TEST_P(Limit, ASignalIsReported) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL, SIGTERM}) {
    const Outcome outcome = RunAlone(Shell("kill -" + std::to_string(signal) + " $$"));
    EXPECT_THAT(outcome, EndedBy(Ending::kSignaled));
    EXPECT_EQ(outcome.signal, signal);
  }
}

TEST_P(Limit, AForbiddenSystemCallIsAViolation) {
  const Outcome outcome = RunAlone(Probe({"calls", "246,"}));  // kexec_load
  EXPECT_THAT(outcome, EndedBy(Ending::kViolation));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->type, "violation");
}

// The kernel counts these by user, and charges a user namespace's to the user who made it.
TEST_P(Limit, WhatIsCountedByUserIsUsedUpForItselfOnly) {
  FunctionPackage package = Python(R"py(
import ctypes, sys, time
libc = ctypes.CDLL(None)
while libc.inotify_init1(0) >= 0: pass
print("taken", file=sys.stderr, flush=True)
time.sleep(1000)
)py");
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  std::stop_source stop;
  Outcome outcome;
  std::jthread thread(
      [&] { outcome = Invoke(*instance, "", log_, Context::WithStop(stop.get_token())); });
  EXPECT_TRUE(log_.WaitFor("taken"));
  const UniqueFd of_the_host(inotify_init1(IN_CLOEXEC));
  EXPECT_TRUE(of_the_host) << strerror(errno);
  EXPECT_EQ(Output(Python("import ctypes\nprint(ctypes.CDLL(None).inotify_init1(0) >= 0)")),
            "True\n");
  stop.request_stop();
  thread.join();
  EXPECT_THAT(outcome, EndedBy(Ending::kCancelled));
}

TEST_P(Limit, AShareOfTheCpuIsAllItGets) {
  FunctionPackage package = Probe({"spin"});
  package.limits.cpus = 0.2;
  if (!HasCgroups()) {
    const auto instance = sandbox().Start(Context::WithTimeout(kHang), package);
    EXPECT_EQ(instance.status().code(), absl::StatusCode::kFailedPrecondition)
        << "a limit that cannot be kept is refused: " << instance.status();
    return;
  }
  const Outcome outcome = RunAlone(package, "", Context::WithTimeout(milliseconds(1000)));
  EXPECT_THAT(outcome, EndedBy(Ending::kTimeout));
  // A hundredth of its time; a busy machine ends it later than that.
  EXPECT_THAT(outcome.usage.cpu, Ge(milliseconds(10)));
  const double share = std::chrono::duration<double>(outcome.usage.cpu) / outcome.usage.wall;
  EXPECT_THAT(share, Le(0.45));
}

TEST_P(Limit, CpuTimeOfAllProcessesCounts) {
  const Outcome outcome =
      Run(Shell("spin() { i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; }; "
                "spin & spin & wait; echo done"));
  EXPECT_THAT(outcome, Returned("done\n"));
  if (!HasCgroups()) return;  // what ended between two looks is not seen
  EXPECT_THAT(outcome.usage.cpu, Ge(milliseconds(5)));
}

}  // namespace
}  // namespace nanogrid
