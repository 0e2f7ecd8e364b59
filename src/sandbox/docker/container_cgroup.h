// The files of a container's cgroups, found from one of its processes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/common/instance_files.h"

namespace nanogrid::docker {

// Nothing where this process cannot see the cgroups of `pid`: they are in another cgroup namespace,
// or not mounted. The freezer is only there if we may write to it.
std::optional<CgroupFiles> OpenContainerCgroup(pid_t pid);

// The directory of the cgroup that /proc/PID/cgroup, given as text, names for a controller (empty:
// the one hierarchy of v2), by the mounts of /proc/self/mountinfo; empty if it is not to be seen.
std::string CgroupDirectory(std::string_view pid_cgroup, std::string_view mountinfo,
                            std::string_view controller);

}  // namespace nanogrid::docker
