// What cannot be had from a real cgroup on demand.
#include "sandbox/common/instance_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace nanogrid {
namespace {

// Stands in for freezer.state: holds `state` until something is written.
UniqueFd StateFile(std::string_view state) {
  UniqueFd file(memfd_create("freezer.state", MFD_CLOEXEC));
  EXPECT_EQ(pwrite(file.get(), state.data(), state.size(), 0), static_cast<ssize_t>(state.size()));
  return file;
}

InstanceFiles FilesWith(UniqueFd freeze) {
  CgroupFiles cgroup;
  cgroup.freeze = std::move(freeze);
  return {getpid(), true, std::move(cgroup)};
}

TEST(InstanceFiles, AnInstanceThatStaysFreezingIsFrozenByAskingAgain) {
  EXPECT_TRUE(FilesWith(StateFile("FREEZING\n")).WaitFrozen());
}

TEST(InstanceFiles, AnInstanceThatCannotBeAskedDoesNotFreeze) {
  const UniqueFd state = StateFile("FREEZING\n");
  const std::string path = "/proc/self/fd/" + std::to_string(state.get());
  EXPECT_FALSE(FilesWith(UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC))).WaitFrozen());
}

}  // namespace
}  // namespace nanogrid
