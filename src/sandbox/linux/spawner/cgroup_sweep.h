// Removes the control groups that spawners which were killed have left.
#pragma once

#include <string>
#include <vector>

#include "sandbox/linux/spawner/cgroup_mounts.h"

namespace nanogrid::spawner {

inline constexpr char kCgroupPrefix[] = "nanogrid-";    // of a spawner's directory
inline constexpr char kCgroupLeaf[] = "nanogrid-host";  // v2: where the host is moved to

// Empties and removes what dead spawners left below `bases`, directories of hierarchies.
void SweepCgroups(const std::vector<std::string>& bases);

// Where spawners that ran before this one may have left something: in our own group, and, where
// every session or command gets a new one, in the groups beside it.
void AddWithSiblings(const CgroupMount& mount, std::vector<std::string>& bases);

}  // namespace nanogrid::spawner
