// Which control groups a sandbox takes, and that limits which could be had are never lost silently.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/errors.h"
#include "sandbox/linux/spawner/cgroup_mounts.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

namespace fs = std::filesystem;
using spawner::CgroupMount;
using testing::HasSubstr;
using testing::Not;

// The group that was handed over, of which an engine may have moved us into a leaf.
std::string WithoutLeaf(const std::string& own) {
  const std::string leaf = "/nanogrid-host";
  return own.ends_with(leaf) ? own.substr(0, own.size() - leaf.size()) : own;
}

// The hierarchy that limits processes.
CgroupMount LimitingMount() {
  for (const bool v2 : {false, true}) {
    for (const CgroupMount& mount : spawner::FindCgroupMounts()) {
      const bool pids = std::count(mount.controllers.begin(), mount.controllers.end(), "pids") > 0;
      if (v2 ? mount.v2 : pids) return mount;
    }
  }
  return {};
}

// Over that hierarchy one that looks like it, in a mount namespace of the calling thread. It has no
// room for a directory.
void CoverControlGroups(bool read_only) {
  const CgroupMount mount = LimitingMount();
  const char* const top = mount.mount_point.c_str();
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("tmpfs", top, "tmpfs", 0, "nr_inodes=100,mode=755"), 0);
  for (const std::string& path : {mount.mount_point, WithoutLeaf(mount.own)}) {
    fs::create_directories(path);
    std::ofstream(path + "/cgroup.controllers") << "memory pids";
    std::ofstream(path + "/cgroup.subtree_control") << "memory pids";
  }
  for (int i = 0; std::ofstream(mount.mount_point + "/" + std::to_string(i)); ++i) {
  }
  const unsigned long flags = MS_REMOUNT | (read_only ? MS_RDONLY : 0);
  ASSERT_EQ(::mount(nullptr, top, nullptr, flags, nullptr), 0);
}

class ControlGroups : public SandboxTest {
 protected:
  Result<Outcome> Try(const LinuxSandboxOptions& options) const {
    NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<Sandbox> sandbox, MakeLinuxSandbox(options));
    NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<Instance> instance,
                              sandbox->Start(Context::WithTimeout(kHang), Command({"/bin/true"})));
    return Invoke(*instance, "");
  }
  // With control groups that cannot be set up.
  void ExpectRefusal() const {
    const Result<Outcome> outcome = Try(Options());
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kFailedPrecondition) << outcome.status();
    const std::string message(outcome.status().message());
    EXPECT_THAT(message, HasSubstr("cannot create /sys/fs/cgroup"));
    EXPECT_THAT(message, HasSubstr("to run without control groups say cgroups=none"));

    LinuxSandboxOptions without = Options();
    without.cgroups = LinuxSandboxOptions::Cgroups::kNone;
    const Result<Outcome> run = Try(without);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_THAT(run->isolation, HasSubstr("cgroups=none"));
  }
};
INSTANTIATE_SANDBOX_TESTS(ControlGroups);

TEST_P(ControlGroups, InADelegatedControlGroupInstancesAreBelowIt) {
  const CgroupMount mount = LimitingMount();
  const std::string path = WithoutLeaf(mount.own);
  char delegated = 0;
  if (!mount.v2 || getxattr(path.c_str(), "user.delegate", &delegated, 1) != 1 || !HasCgroups()) {
    GTEST_SKIP() << "this process is not in a delegated cgroup v2";
  }
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  for (const pid_t pid : ProcessesWith(marker())) {
    EXPECT_THAT(ReadFile("/proc/" + std::to_string(pid) + "/cgroup"),
                HasSubstr("0::" + path.substr(mount.mount_point.size()) + "/nanogrid-"));
  }
}

// The spawner of one ends while that of the next sets itself up beside it.
TEST_P(ControlGroups, SandboxesThatComeAndGoInOneControlGroupAllUseIt) {
  if (!HasCgroups()) GTEST_SKIP() << "there are no control groups";
  for (int round = 0; round < 20; ++round) {
    auto made = MakeLinuxSandbox(Options());
    ASSERT_TRUE(made.ok()) << made.status();
    auto instance = (*made)->Start(Context::WithTimeout(kHang), Command({"/bin/true"}));
    ASSERT_TRUE(instance.ok()) << instance.status();
    EXPECT_THAT(Invoke(**instance, "").isolation, Not(HasSubstr("cgroups=none")))
        << "round " << round;
  }
}

TEST_P(ControlGroups, ThatCannotBeSetUpAreAnErrorRatherThanNoLimits) {
  if (!HasCgroups()) GTEST_SKIP() << "there are no control groups";
  if (geteuid() == 0) {
    std::thread([&] {
      CoverControlGroups(false);
      if (!HasFatalFailure()) ExpectRefusal();
    }).join();
    return;
  }
  const std::string limit = WithoutLeaf(LimitingMount().own) + "/cgroup.max.descendants";
  ASSERT_TRUE(std::ofstream(limit) << "0" << std::flush) << limit;
  ExpectRefusal();
  ASSERT_TRUE(std::ofstream(limit) << "max" << std::flush) << limit;
}

TEST_P(ControlGroups, ThatAreNotWritableAreDoneWithoutAndSaidSo) {
  if (!HasCgroups()) GTEST_SKIP() << "there are no control groups";
  if (geteuid() != 0) GTEST_SKIP() << "only root can make them read-only";
  std::thread([&] {
    CoverControlGroups(true);
    if (HasFatalFailure()) return;
    const Result<Outcome> outcome = Try(Options());
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_THAT(outcome->isolation, HasSubstr("cgroups=none"));
  }).join();
}

}  // namespace
}  // namespace nanogrid
