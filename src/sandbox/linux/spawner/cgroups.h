// Control groups of instances, v1 and v2: found, made ahead, limited, removed.
//
// Every spawner has a directory of its own, `nanogrid-<random>`, in each hierarchy, and holds a
// file lock on it as long as it lives. A directory that can be locked belongs to nobody: the next
// spawner empties and removes it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "sandbox/linux/spawner/failure.h"

namespace nanogrid::spawner {

struct CgroupLimits {
  uint64_t memory = 0;
  uint64_t cpu_quota_us = 0;  // per 100 ms; 0: none
  uint64_t max_processes = 0;
};

struct Cgroup {
  std::string name{};
  // v1: `tasks` of each hierarchy. Writing "0" moves the writing thread, without the grace period
  // that moving another process by its pid waits for.
  std::vector<UniqueFd> tasks{};
  UniqueFd directory{};  // v2: for CLONE_INTO_CGROUP
  std::array<UniqueFd, wire::kStartedFdCount> files{};
};

class Cgroups {
 public:
  // Finds what is usable. With kAuto and kNone the answer may be kNone, and `note` says why. False
  // if `wanted` was v1 or v2 and cannot be had, and if it was kAuto and a group that is writable
  // and has the controllers cannot be set up: limits are not lost silently.
  bool SetUp(wire::Cgroups wanted, bool rootless, Failure& failure);
  wire::Cgroups kind() const { return kind_; }
  const std::string& note() const { return note_; }

  std::optional<Cgroup> Take(const CgroupLimits& limits, Failure& failure);
  // All processes in it are dead.
  void Remove(Cgroup cgroup);
  // Makes one ahead and tries again to remove those that were busy. True if there may be more to
  // make.
  bool TopUp();
  bool has_busy() const { return !busy_.empty(); }
  // Removes everything of this spawner. No instance is alive.
  void Clear();

 private:
  struct Hierarchy {
    UniqueFd base{};       // where our directory is
    UniqueFd directory{};  // our directory
    bool memory = false, pids = false, cpu = false, cpuacct = false, freezer = false;
  };

  bool SetUpV1();
  bool SetUpV2(bool rootless);
  bool AddHierarchy(const std::string& path, Hierarchy hierarchy);
  std::optional<Cgroup> Make(Failure& failure);
  bool Limit(const Cgroup& cgroup, const CgroupLimits& limits, Failure& failure) const;
  bool TryRemove(const std::string& name);

  wire::Cgroups kind_ = wire::Cgroups::kNone;
  std::string note_;
  bool is_usable_ = false;  // a group was found that should do, whether or not it could be set up
  std::string name_;
  std::vector<Hierarchy> hierarchies_;
  std::vector<Cgroup> spare_;
  std::vector<std::string> busy_;  // could not be removed yet
  uint64_t next_ = 0;
};

}  // namespace nanogrid::spawner
