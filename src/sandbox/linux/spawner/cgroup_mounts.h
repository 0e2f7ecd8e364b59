// Where this process stands in the machine's control group hierarchies.
#pragma once

#include <string>
#include <vector>

namespace nanogrid::spawner {

struct CgroupMount {
  std::string mount_point{};  // "/sys/fs/cgroup/memory"
  bool v2 = false;
  std::vector<std::string> controllers{};  // v1
  std::string own{};  // absolute path of this process's own group below the mount point
};

// From /proc/self/mountinfo and /proc/self/cgroup.
std::vector<CgroupMount> FindCgroupMounts();

}  // namespace nanogrid::spawner
