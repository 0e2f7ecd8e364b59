// Every step of making a sandbox fails in turn: the error says which, and nothing stays behind.
#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <string>

#include "sandbox/linux/sandbox_options.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int32_t kNever = 1'000'000;

// What a spawner holds.
struct Holdings {
  size_t descriptors = 0, children = 0, cgroups = 0;  // a descriptor holds each namespace
  unsigned long uid = 0;                              // of an instance, within its block of 256

  bool operator==(const Holdings&) const = default;
};
void PrintTo(const Holdings& held, std::ostream* out) {
  *out << held.descriptors << " descriptors, " << held.children << " children, " << held.cgroups
       << " cgroups, uid " << held.uid;
}

class SetUpFaults : public SandboxTest {
 protected:
  std::unique_ptr<Sandbox> Faulty(int32_t step) {
    Result<std::unique_ptr<Sandbox>> sandbox = MakeFaultyLinuxSandbox(Options(), step);
    EXPECT_TRUE(sandbox.ok()) << sandbox.status();
    return sandbox.ok() ? *std::move(sandbox) : nullptr;
  }
  // With everything that takes steps of its own.
  FunctionPackage Tested(const FunctionPackage& package) const {
    FunctionPackage tested = package;
    if (HasCgroups()) tested.limits.cpus = 0.5;
    return tested;
  }
  // Of the spawner of a running instance of it.
  Holdings Look() {
    Holdings held;
    const std::vector<pid_t> pids = ProcessesWith(marker());
    EXPECT_EQ(pids.size(), 1u);
    if (pids.size() != 1) return held;
    const pid_t init = ParentOf(pids[0]);
    spawner_ = ParentOf(init);
    const std::string proc = "/proc/" + std::to_string(spawner_);
    held.descriptors = CountDescriptors(spawner_);
    held.children =
        Words(ReadFile(proc + "/task/" + std::to_string(spawner_) + "/children")).size();
    if (GetParam() != Setup::kRootless) {
      held.uid = std::stoul("0" + StatusField(init, "Uid")) % 256;
    }
    groups_.clear();
    for (const std::string& group : InstanceCgroups(pids[0])) {
      groups_.insert(group.substr(0, group.find('/')));
    }
    held.cgroups = CountGroups();
    return held;
  }
  // Of instances, below the spawner's.
  size_t CountGroups() const {
    size_t count = 0;
    for (const std::string& group : groups_) {
      for (const std::string& path : CgroupDirectories(group)) {
        for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
          count += entry.is_directory() ? 1 : 0;
        }
      }
    }
    return count;
  }
  // What is held while that instance runs, as soon as it is as `expected`: the spawner tidies up
  // after its answer.
  Holdings With(Instance& instance, const Holdings* expected = nullptr) {
    EXPECT_THAT(Invoke(instance, "count"), Returned("1"));
    Holdings held = Look();
    int same = 0;  // without an expectation: what stays
    WaitUntil([&] {
      const Holdings now = Look();
      same = now == held ? same + 1 : 0;
      held = now;
      return expected != nullptr ? held == *expected : same == 5;
    });
    return held;
  }

  pid_t spawner_ = -1;
  std::set<std::string> groups_{};
};
INSTANTIATE_SANDBOX_TESTS(SetUpFaults);

TEST_P(SetUpFaults, EachStepIsNamedAndLeavesNothing) {
  const size_t descriptors = CountDescriptors();
  Holdings expected;
  {
    const auto good = Faulty(kNever);
    ASSERT_TRUE(good);
    const auto instance = good->Start(Context::WithTimeout(kHang), Tested(FrameServer()));
    ASSERT_TRUE(instance.ok()) << instance.status();
    expected = With(**instance);
  }
  std::set<std::string> steps;
  std::string last;
  int32_t step = 1;
  for (;; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step << ", after " << last);
    ASSERT_LT(step, 1000);
    auto sandbox = Faulty(step);
    ASSERT_TRUE(sandbox);
    const auto context = Context::WithTimeout(kHang);
    const Status failed = sandbox->Start(context, Tested(FrameServer())).status();
    if (failed.ok()) break;
    const std::string message(failed.message());
    EXPECT_THAT(message, testing::MatchesRegex("sandbox set-up failed: .+: .+ \\(errno 5\\)"));
    EXPECT_EQ(failed.code(), absl::StatusCode::kInternal);
    last = message.substr(0, message.rfind(": "));
    steps.insert(last);
    EXPECT_THAT(ProcessesWith(marker()), IsEmpty());

    // A spawner that survived the fault is as good as new; one that did not is gone. One instance
    // only: a second may begin before the spawner has buried the first, and needs more.
    auto again = sandbox->Start(context, Tested(FrameServer()));
    const bool survived = again.ok();
    if (survived) {
      EXPECT_EQ(With(**again, &expected), expected);
      again->reset();
    } else {
      EXPECT_EQ(again.status().message(), failed.message());
    }
    sandbox.reset();
    EXPECT_EQ(CountDescriptors(), descriptors);
    if (survived) {
      EXPECT_TRUE(WaitUntil([&] { return !IsAlive(spawner_); }));
      for (const std::string& group : groups_) EXPECT_FALSE(CgroupExists(group)) << group;
    }
  }
  EXPECT_THAT(last, HasSubstr("exec init")) << "steps after it, or a fault that went unnoticed";
  EXPECT_GT(steps.size(), 50u);
  RecordProperty("steps", step - 1);
}

TEST_P(SetUpFaults, AHostWithoutDescriptorsLeavesNothing) {
  { EXPECT_TRUE(Start(FrameServer())); }  // the spawner is there
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const size_t descriptors = CountDescriptors();
  bool started = false;
  for (size_t room = 0; !started; ++room) {
    SCOPED_TRACE(testing::Message() << "room for " << room << " descriptors");
    ASSERT_LT(room, 100u);
    const rlimit few = {descriptors + room, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    auto instance = sandbox().Start(Context::WithTimeout(kHang), FrameServer());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    started = instance.ok();
    if (!started) {
      EXPECT_THAT(std::string(instance.status().message()),
                  testing::AnyOf(HasSubstr("errno 24"), HasSubstr("too many open files")));
    } else {
      instance->reset();
    }
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_TRUE(WaitUntil([&] { return ProcessesWith(marker()).empty(); }));
  }
}

}  // namespace
}  // namespace nanogrid
