// Whoever called can stop it, whatever the function does; then all of it is dead.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

using std::chrono::milliseconds;
using std::chrono::seconds;

class Cancelling : public SandboxTest {
 protected:
  // Invokes in another thread, waits for `ready` in the log, asks for the stop, and expects the end
  // soon and no process left.
  Outcome CancelWhen(const std::function<bool()>& ready, const FunctionPackage& package,
                     std::string_view event = "", LogSink* sink = nullptr) {
    const auto instance = Start(package);
    if (!instance) return {};
    std::stop_source stop;
    Outcome outcome;
    std::thread caller([&] {
      outcome = Invoke(*instance, event, sink != nullptr ? *sink : log_,
                       Context::WithStop(stop.get_token()));
    });
    EXPECT_TRUE(WaitUntil(ready));
    const TimePoint asked = std::chrono::steady_clock::now();
    stop.request_stop();
    caller.join();
    EXPECT_THAT(std::chrono::steady_clock::now() - asked, Le(seconds(5))) << "hangs";
    EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
    EXPECT_FALSE(instance->Reusable());
    return outcome;
  }
  Outcome Cancel(const FunctionPackage& package, std::string_view event = "") {
    return CancelWhen([&] { return log_.text().find("ready") != std::string::npos; }, package,
                      event);
  }

  CollectedLog log_;
};
INSTANTIATE_SANDBOX_TESTS(Cancelling);

TEST_P(Cancelling, EndsASleepingProgram) {
  const Outcome outcome = Cancel(Shell("echo ready >&2; sleep 1000"));
  EXPECT_THAT(outcome, EndedBy(Ending::kCancelled));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->type, "cancelled");
}

TEST_P(Cancelling, EndsABusyProgram) {
  EXPECT_THAT(Cancel(Shell("echo ready >&2; while :; do :; done")), EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsARuntime) {
  EXPECT_THAT(Cancel(FrameServer(), "wait"), EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsAProgramThatIgnoresSignalsAndItsChildrenInOtherSessions) {
  EXPECT_THAT(Cancel(Probe({"stubborn"})), EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsAProgramThatIsStopped) {
  EXPECT_THAT(Cancel(Shell("(echo ready >&2; sleep 1000) & kill -STOP $$")),
              EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsAProgramThatForksAllTheTime) {
  FunctionPackage package = Shell("echo ready >&2; while :; do /bin/true & wait; done");
  EXPECT_THAT(Cancel(package), EndedBy(Ending::kCancelled));
}

class CountingLog final : public LogSink {
 public:
  void Write(std::string_view bytes) override { bytes_ += bytes.size(); }
  size_t bytes() const { return bytes_; }

 private:
  std::atomic<size_t> bytes_ = 0;
};

TEST_P(Cancelling, EndsALogFlood) {
  CountingLog flood;
  FunctionPackage package = Shell("yes >&2");
  package.limits.max_output = uint64_t{1} << 50;
  EXPECT_THAT(CancelWhen([&] { return flood.bytes() > 1'000'000; }, package, "", &flood),
              EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsAFloodOfResult) {
  FunctionPackage package = Shell("echo ready >&2; head -c 4M /dev/zero; yes >&2");
  package.limits.max_output = uint64_t{1} << 50;
  CountingLog flood;
  EXPECT_THAT(CancelWhen([&] { return flood.bytes() > 100'000; }, package, "", &flood),
              EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsAProgramThatDoesNotReadItsEvent) {
  const std::string event(8 << 20, 'x');
  EXPECT_THAT(Cancel(Shell("echo ready >&2; sleep 1000"), event), EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, EndsARuntimeInTheMiddleOfItsAnswer) {
  // RESULT of 100 bytes, of which three follow, then nothing.
  const auto here = [&] { return ProcessesWith(marker()).size() == 1; };
  EXPECT_THAT(
      CancelWhen(here, FrameServer(), "raw:020000000000000064000000000000000000000000000000313131"),
      EndedBy(Ending::kCancelled));
}

TEST_P(Cancelling, BeforeTheInvocationEndsItAtOnce) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Invoke(*instance, "wait", LogSink::Null(), Context::WithStop(stop.get_token())),
              EndedBy(Ending::kCancelled));
  EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
}

TEST_P(Cancelling, AnInvocationThatIsOverChangesNothing) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  std::stop_source stop;
  EXPECT_THAT(Invoke(*instance, "count", LogSink::Null(), Context::WithStop(stop.get_token())),
              Returned("1"));
  stop.request_stop();
  EXPECT_THAT(Invoke(*instance, "count"), Returned("2"));
}

TEST_P(Cancelling, OneOfTwoLeavesTheOther) {
  const auto other = Start(FrameServer());
  ASSERT_TRUE(other);
  EXPECT_THAT(Invoke(*other, "count"), Returned("1"));
  FunctionPackage package = FrameServer();
  package.command.back() = "cancelled-" + marker().substr(9);  // not to be found by the marker
  std::stop_source stop;
  CollectedLog log;
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  Outcome outcome;
  std::thread caller(
      [&] { outcome = Invoke(*instance, "wait", log, Context::WithStop(stop.get_token())); });
  EXPECT_TRUE(log.WaitFor("ready"));
  stop.request_stop();
  caller.join();
  EXPECT_THAT(outcome, EndedBy(Ending::kCancelled));
  EXPECT_THAT(Invoke(*other, "count"), Returned("2"));
}

TEST_P(Cancelling, ADeadlineInThePastEndsItAtOnce) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "wait", LogSink::Null(), Context::WithTimeout(milliseconds(-1))),
              EndedBy(Ending::kTimeout));
}

TEST_P(Cancelling, AnEndedContextStartsNothing) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = sandbox().Start(Context::WithStop(stop.get_token()), FrameServer());
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
  const auto late = sandbox().Start(Context::WithTimeout(milliseconds(-1)), FrameServer());
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
}

TEST_P(Cancelling, DestroyingAnInstanceKillsAllItStarted) {
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  Invoke(*instance,
         "shell:(setsid /var/task/probe stubborn " + marker() + " >/dev/null 2>&1 &); sleep 0.01");
  EXPECT_TRUE(WaitUntil([&] { return ProcessesWith(marker()).size() >= 4; }));
  instance.reset();
  EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
}

TEST_P(Cancelling, DestroyingAFrozenInstanceKillsIt) {
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "spin"), Returned("null"));
  ASSERT_TRUE(instance->Freeze().ok());
  EXPECT_THAT(ProcessesWith(marker()), SizeIs(1));
  instance.reset();
  EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
}

TEST_P(Cancelling, WhoHoldsTheStandardStreamsDoesNotKeepAnEndedProgramGoing) {
  EXPECT_THAT(Run(Shell("(setsid sleep 1000 &); echo done")), Returned("done\n"));
  const Outcome failed = Run(Shell("(setsid sh -c 'trap \"\" 1 2 15; sleep 1000; :' &); exit 3"));
  EXPECT_THAT(failed, EndedBy(Ending::kExited));
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_THAT(ProcessesWith(marker()), testing::IsEmpty());
}

TEST_P(Cancelling, WhoHoldsThePipesDoesNotKeepAnEndedRuntimeGoing) {
  const Outcome exited = Run(FrameServer(), "orphan-and-exit:5");
  EXPECT_THAT(exited, EndedBy(Ending::kExited));
  EXPECT_EQ(exited.exit_code, 5);
  EXPECT_THAT(Run(FrameServer(), "orphan-answer-and-exit:5"), Returned("\"last words\""));
  EXPECT_THAT(ProcessesWith(marker()), testing::IsEmpty());
}

TEST_P(Cancelling, WhenAnInvocationHasEndedSoHasEveryProcessInItsControlGroups) {
  if (!HasCgroups()) GTEST_SKIP() << "there are no control groups";
  const auto instance = Start(Probe({"stubborn"}));
  ASSERT_TRUE(instance);
  std::vector<std::string> members;
  struct Look final : LogSink {
    void Write(std::string_view) override { on_write(); }
    std::function<void()> on_write{};
  } look;
  const auto stop = std::make_unique<std::stop_source>();
  look.on_write = [&] {
    for (const pid_t pid : ProcessesWith(marker())) {
      for (const std::string& group : InstanceCgroups(pid)) {
        for (std::string& path : CgroupDirectories(group)) members.push_back(std::move(path));
      }
    }
    stop->request_stop();
  };
  EXPECT_THAT(Invoke(*instance, "", look, Context::WithStop(stop->get_token())),
              EndedBy(Ending::kCancelled));
  ASSERT_FALSE(members.empty());
  for (const std::string& path : members) EXPECT_EQ(ReadFile(path + "/cgroup.procs"), "") << path;
}

TEST_P(Cancelling, TheControlGroupsOfAnEndedInstanceVanish) {
  if (!HasCgroups()) GTEST_SKIP() << "no control groups are used";
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  ASSERT_THAT(pids, SizeIs(1));
  const std::vector<std::string> groups = InstanceCgroups(pids[0]);
  ASSERT_FALSE(groups.empty());
  for (const std::string& group : groups) EXPECT_TRUE(CgroupExists(group)) << group;
  instance.reset();
  for (const std::string& group : groups) {
    EXPECT_TRUE(WaitUntil([&] { return !CgroupExists(group); })) << group;
  }
}

TEST_P(Cancelling, AControlGroupThatIsHeldVanishesWhenItIsLetGo) {
  if (!HasCgroups() || GetParam() != Setup::kRoot) GTEST_SKIP() << "needs control groups as root";
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  ASSERT_THAT(pids, SizeIs(1));
  const std::vector<std::string> groups = InstanceCgroups(pids[0]);
  ASSERT_FALSE(groups.empty());

  // By a group in it: on v2 a process would be killed with the others.
  const std::vector<std::string> directories = CgroupDirectories(groups[0]);
  ASSERT_FALSE(directories.empty());
  for (const std::string& directory : directories) {
    ASSERT_EQ(mkdir((directory + "/held").c_str(), 0755), 0) << directory;
  }
  instance.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // let the spawner go to rest
  EXPECT_TRUE(CgroupExists(groups[0])) << groups[0];
  for (const std::string& directory : directories) {
    EXPECT_EQ(rmdir((directory + "/held").c_str()), 0) << directory;
  }
  for (const std::string& group : groups) {
    EXPECT_TRUE(WaitUntil([&] { return !CgroupExists(group); })) << group;
  }
}

}  // namespace
}  // namespace nanogrid
