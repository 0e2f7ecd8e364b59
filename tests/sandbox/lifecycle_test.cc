// Whoever dies, in whatever order, leaves nothing behind; many of everything work at once.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/unique_fd.h"
#include "sandbox/sandbox_test_support.h"

extern char** environ;

namespace nanogrid {
namespace {

using testing::Le;
using testing::SizeIs;

// programs/sandbox_host.cc in a process of its own.
class HostProcess {
 public:
  explicit HostProcess(const std::vector<std::string>& arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    output_.Reset(ends[0]);
    const UniqueFd write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
    const std::string program = ProgramDirectory() + "/../sandbox_host";
    std::vector<char*> argv = {const_cast<char*>("sandbox_host")};
    for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
    argv.push_back(nullptr);
    if (posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ) != 0)
      pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;
  ~HostProcess() { End(SIGKILL); }

  pid_t pid() const { return pid_; }
  // Its first line, "ready" if all is well.
  std::string Line() {
    std::string line;
    for (char c; read(output_.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  void End(int signal) {
    if (pid_ <= 0) return;
    SendSignal(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
};

class Lifecycle : public SandboxTest {
 protected:
  static constexpr size_t kInstances = 3;

  std::string SetupArgument() const {
    return GetParam() == Setup::kRoot       ? "root"
           : GetParam() == Setup::kRootless ? "rootless"
                                            : "none";
  }
  std::unique_ptr<HostProcess> StartHost(const std::string& state) {
    auto host = std::make_unique<HostProcess>(std::vector<std::string>{
        SetupArgument(), ProgramDirectory(), std::to_string(kInstances), marker(), state});
    EXPECT_EQ(host->Line(), "ready");
    host_ = host->pid();
    instances_ = Instances();
    EXPECT_THAT(instances_, SizeIs(kInstances));
    if (!instances_.empty()) {
      spawner_ = ParentOf(ParentOf(instances_[0]));
      EXPECT_EQ(ReadFile("/proc/" + std::to_string(spawner_) + "/comm"), "nanogrid-spawn\n");
      for (const pid_t pid : instances_) {
        for (const std::string& group : InstanceCgroups(pid)) {
          groups_.push_back(group);
          groups_.push_back(group.substr(0, group.find('/')));  // the spawner's own
        }
      }
    }
    return host;
  }
  std::vector<pid_t> Instances() const {
    std::vector<pid_t> pids = ProcessesWith(marker());
    std::erase(pids, host_);
    return pids;
  }
  bool NothingIsLeft() const {
    if (!Instances().empty()) return false;
    for (const std::string& group : groups_) {
      if (CgroupExists(group)) return false;
    }
    return true;
  }

  pid_t host_ = -1, spawner_ = -1;
  std::vector<pid_t> instances_;
  std::vector<std::string> groups_;
};
INSTANTIATE_SANDBOX_TESTS(Lifecycle);

TEST_P(Lifecycle, AHostThatIsKilledLeavesNothing) {
  for (const char* const state : {"idle", "busy", "frozen"}) {
    const auto host = StartHost(state);
    host->End(SIGKILL);
    EXPECT_TRUE(WaitUntil([&] { return NothingIsLeft() && !IsAlive(spawner_); })) << state;
    groups_.clear();
  }
}

TEST_P(Lifecycle, AHostThatIsToldToEndLeavesNothing) {
  const auto host = StartHost("busy");
  host->End(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return NothingIsLeft(); }));
}

TEST_P(Lifecycle, AHostAndItsSpawnerKilledTogetherLeaveNothingBeyondTheNextStart) {
  for (const char* const state : {"idle", "busy", "frozen"}) {
    const auto host = StartHost(state);
    ASSERT_TRUE(SendSignal(host->pid(), SIGSTOP));
    ASSERT_TRUE(SendSignal(spawner_, SIGSTOP));
    ASSERT_TRUE(SendSignal(spawner_, SIGKILL));
    host->End(SIGKILL);
    if (std::string(state) != "frozen") {
      EXPECT_TRUE(WaitUntil([&] { return Instances().empty(); })) << state;
    }
    EXPECT_TRUE(WaitUntil([&] { return ProcessesOfSession(spawner_).empty(); })) << state;
    // A new spawner of the same kind cleans up.
    auto next = MakeLinuxSandbox(Options());
    ASSERT_TRUE(next.ok()) << next.status();
    FunctionPackage package = Command({"/bin/true"});
    EXPECT_TRUE((*next)->Start(Context::WithTimeout(kHang), package).ok());
    EXPECT_TRUE(WaitUntil([&] { return NothingIsLeft(); })) << state;
    groups_.clear();
  }
}

// A group of cgroup v1's memory hierarchy that this process can be in for a while.
class NeighbouringGroup {
 public:
  NeighbouringGroup(std::string home, const std::string& name)
      : home_(std::move(home)), path_(home_ + "/test-" + std::to_string(getpid()) + name) {
    EXPECT_EQ(mkdir(path_.c_str(), 0755), 0) << path_;
  }
  NeighbouringGroup(const NeighbouringGroup&) = delete;
  NeighbouringGroup& operator=(const NeighbouringGroup&) = delete;
  ~NeighbouringGroup() {
    MoveTo(home_);
    EXPECT_TRUE(WaitUntil([&] { return rmdir(path_.c_str()) == 0; })) << path_;
  }
  void Enter() const { MoveTo(path_); }

  // Where this process is; empty where there is no such hierarchy.
  static std::string Home() {
    for (const std::string& line : Lines(ReadFile("/proc/self/cgroup"))) {
      const size_t at = line.find(":memory:/");
      if (at == std::string::npos) continue;
      std::string home = "/sys/fs/cgroup/memory" + line.substr(at + 8);
      if (home.ends_with('/')) home.pop_back();
      return access((home + "/cgroup.procs").c_str(), W_OK) == 0 ? home : "";
    }
    return "";
  }

 private:
  static void MoveTo(const std::string& group) {
    std::ofstream(group + "/cgroup.procs") << getpid() << std::flush;
  }
  std::string home_, path_;
};

TEST_P(Lifecycle, WhatWasLeftInTheControlGroupOfAnotherSessionIsRemovedByTheNextStart) {
  const std::string home = NeighbouringGroup::Home();
  if (!HasCgroups() || GetParam() != Setup::kRoot || home.empty()) {
    GTEST_SKIP() << "needs control groups v1 as root";
  }
  const NeighbouringGroup first(home, "a"), second(home, "b");
  first.Enter();
  {
    const auto host = StartHost("idle");
    ASSERT_TRUE(SendSignal(host->pid(), SIGSTOP));
    ASSERT_TRUE(SendSignal(spawner_, SIGKILL));
    host->End(SIGKILL);
  }
  EXPECT_TRUE(WaitUntil([&] { return ProcessesOfSession(spawner_).empty(); }));
  EXPECT_FALSE(NothingIsLeft());
  second.Enter();
  const auto next = MakeLinuxSandbox(Options());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE((*next)->Start(Context::WithTimeout(kHang), Command({"/bin/true"})).ok());
  EXPECT_TRUE(WaitUntil([&] { return NothingIsLeft(); }));
}

TEST_P(Lifecycle, ASandboxWhoseSpawnerWasKilledStartsANewOne) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  ASSERT_THAT(pids, SizeIs(1));
  const pid_t init = ParentOf(pids[0]);
  ASSERT_TRUE(SendSignal(ParentOf(init), SIGKILL));
  EXPECT_TRUE(WaitUntil([&] { return !IsAlive(pids[0]) && !IsAlive(init); })) << "it outlives it";
  const Result<Outcome> outcome = instance->Invoke(
      Context::WithTimeout(kHang), {.request_id = "2", .event = "count"}, LogSink::Null());
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kUnavailable) << outcome.status();

  // The first start may find out only while it asks; it says so, and the next one works.
  auto again = sandbox().Start(Context::WithTimeout(kHang), FrameServer());
  if (!again.ok()) {
    EXPECT_EQ(again.status().code(), absl::StatusCode::kUnavailable) << again.status();
    again = sandbox().Start(Context::WithTimeout(kHang), FrameServer());
  }
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(Invoke(**again, "count"), Returned("1"));
}

// It makes things ahead with the help of children: none of them may outlive it.
TEST_P(Lifecycle, ASpawnerKilledAtAnyMomentLeavesNoProcess) {
  constexpr auto kStep = std::chrono::microseconds(250);
  for (int i = 0; i < 40; ++i) {
    auto made = MakeLinuxSandbox(Options());
    ASSERT_TRUE(made.ok()) << made.status();
    auto instance = (*made)->Start(Context::WithTimeout(kHang), FrameServer());
    ASSERT_TRUE(instance.ok()) << instance.status();
    EXPECT_THAT(Invoke(**instance, "count"), Returned("1"));
    const std::vector<pid_t> pids = ProcessesWith(marker());
    ASSERT_THAT(pids, SizeIs(1));
    const pid_t spawner = ParentOf(ParentOf(pids[0]));
    // Another one has things to make from here on.
    auto another = (*made)->Start(Context::WithTimeout(kHang), Command({"/bin/true"}));
    const TimePoint moment = std::chrono::steady_clock::now() + i * kStep;
    while (std::chrono::steady_clock::now() < moment) {
    }
    ASSERT_TRUE(SendSignal(spawner, SIGKILL));
    const bool gone = WaitUntil([&] { return ProcessesOfSession(spawner).empty(); });
    for (const pid_t left : ProcessesOfSession(spawner)) SendSignal(left, SIGKILL);
    ASSERT_TRUE(gone) << i * kStep.count() << " us after a start";
    EXPECT_TRUE(WaitUntil([&] { return ProcessesWith(marker()).empty(); }));
  }
}

TEST_P(Lifecycle, ASpawnerKilledDuringAnInvocationEndsIt) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  CollectedLog log;
  Outcome outcome;
  std::thread caller([&] { outcome = Invoke(*instance, "wait", log); });
  EXPECT_TRUE(log.WaitFor("ready"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  EXPECT_THAT(pids, SizeIs(1));
  if (!pids.empty()) {
    EXPECT_TRUE(SendSignal(ParentOf(ParentOf(pids[0])), SIGKILL));
  }
  caller.join();
  EXPECT_THAT(outcome, EndedBy(Ending::kSignaled));
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(Lifecycle, ClosingTheSandboxEndsItsSpawnerAndRemovesItsControlGroups) {
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  ASSERT_THAT(pids, SizeIs(1));
  const pid_t spawner = ParentOf(ParentOf(pids[0]));
  const std::vector<std::string> groups = InstanceCgroups(pids[0]);
  instance.reset();
  CloseSandbox();
  EXPECT_TRUE(WaitUntil([&] { return !IsAlive(spawner); }));
  for (const std::string& group : groups) {
    EXPECT_FALSE(CgroupExists(group.substr(0, group.find('/')))) << group;
  }
}

TEST_P(Lifecycle, TwoHundredStartsAndStopsLeakNothing) {
  const auto cycle = [&](int i) {
    if (i % 2 == 0) {
      EXPECT_THAT(Run(FrameServer(), "count"), Returned("1"));
    } else {
      EXPECT_THAT(Run(Probe({"fds"})), Returned("0 1 2 "));
    }
  };
  const auto keeper = Start(FrameServer());
  ASSERT_TRUE(keeper);
  EXPECT_THAT(Invoke(*keeper, "count"), Returned("1"));
  const std::vector<pid_t> pids = ProcessesWith(marker());
  ASSERT_THAT(pids, SizeIs(1));
  const pid_t spawner = ParentOf(ParentOf(pids[0]));
  for (int i = 0; i < 20; ++i) cycle(i);
  const size_t host_before = CountDescriptors();
  const size_t spawner_before = CountDescriptors(spawner);
  for (int i = 0; i < 200; ++i) cycle(i);
  EXPECT_EQ(CountDescriptors(), host_before);
  // It keeps a bounded stock of namespaces and cgroups, which fills up when it has time.
  EXPECT_THAT(CountDescriptors(spawner), Le(spawner_before + 100));
  EXPECT_THAT(ProcessesWith(marker()), SizeIs(1)) << "the keeper";
  EXPECT_TRUE(WaitUntil([&] {
    return ReadFile("/proc/" + std::to_string(spawner) + "/task/" + std::to_string(spawner) +
                    "/children") == std::to_string(ParentOf(pids[0])) + " ";
  })) << "the spawner has children left";
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "the host has children left";
  EXPECT_EQ(errno, ECHILD);
}

TEST_P(Lifecycle, EightThreadsStartAndInvokeAtTheSameTime) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const auto instance = Start(FrameServer());
        if (!instance) return;
        for (int i = 1; i <= 5; ++i) {
          good += Invoke(*instance, "count").result == std::to_string(i) ? 1 : 0;
          if (i == 3) good += instance->Freeze().ok() ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8 * 3 * (5 + 1));
}

TEST_P(Lifecycle, FourSandboxesLiveInOneProcess) {
  std::vector<std::unique_ptr<Sandbox>> sandboxes;
  std::vector<std::unique_ptr<Instance>> instances;
  for (int i = 0; i < 4; ++i) {
    auto made = MakeLinuxSandbox(Options());
    ASSERT_TRUE(made.ok()) << made.status();
    sandboxes.push_back(*std::move(made));
    auto instance = sandboxes.back()->Start(Context::WithTimeout(kHang), FrameServer());
    ASSERT_TRUE(instance.ok()) << instance.status();
    instances.push_back(*std::move(instance));
  }
  for (int round = 1; round <= 3; ++round) {
    for (const auto& instance : instances) {
      EXPECT_THAT(Invoke(*instance, "count"), Returned(std::to_string(round)));
    }
  }
  // One less leaves the others.
  instances.erase(instances.begin() + 1);
  sandboxes.erase(sandboxes.begin() + 1);
  for (const auto& instance : instances) EXPECT_THAT(Invoke(*instance, "count"), Returned("4"));
}

TEST_P(Lifecycle, AHostThatIgnoresItsChildrenCanStartInstances) {
  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGCHLD, &ignore, &before), 0);
  EXPECT_EQ(Output(Shell("true & wait; echo $?")), "0\n");
  ASSERT_EQ(sigaction(SIGCHLD, &before, nullptr), 0);
}

}  // namespace
}  // namespace nanogrid
