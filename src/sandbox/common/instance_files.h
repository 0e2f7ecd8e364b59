// What the kernel tells about a running instance: its cgroup's files, or its process tree.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "core/unique_fd.h"
#include "nanogrid/context.h"

namespace nanogrid {

// Files of a cgroup, open for as long as the instance is; invalid where the kernel has no such
// file.
struct CgroupFiles {
  UniqueFd freeze;         // "FROZEN"/"THAWED" (v1) or "1"/"0" (v2)
  UniqueFd cpu;            // nanoseconds (v1) or cpu.stat (v2)
  UniqueFd peak_memory;    // bytes
  UniqueFd memory;         // bytes in use
  UniqueFd memory_events;  // has a line "oom_kill N"
  UniqueFd pids_events;    // "max N"; POLLPRI when it grows
  UniqueFd members;        // cgroup.procs (v1) or cgroup.events (v2)
  UniqueFd kill;           // v2: "1" kills everything in it
};

// Figures and levers of one instance. Where there is no cgroup, memory, processes and CPU time come
// from /proc, at some cost, and freezing is not possible.
class InstanceFiles {
 public:
  // `init`: pid 1 of the instance, in our pid namespace.
  InstanceFiles(pid_t init, bool has_cgroup, CgroupFiles cgroup);

  pid_t init_pid() const { return init_; }
  bool has_cgroup() const { return has_cgroup_; }
  // Whether poll tells of events (v2): v1 files count, but wake nobody.
  bool tells_events() const { return v2_; }

  // Reads the counters once more, for later: an engine removes the cgroup of what has died. From
  // then on they are never less.
  void Remember() const;

  Duration CpuTime() const;
  uint64_t Memory() const;
  // Highest since the start.
  uint64_t PeakMemory() const;
  // How often a process was killed for memory, or a fork refused for the process limit, so far.
  uint64_t OomKills() const;
  uint64_t ForkRefusals() const;
  // For poll: POLLPRI when one of the two may have grown; -1 where tells_events() is false.
  int pids_events_fd() const { return v2_ ? cgroup_.pids_events.get() : -1; }
  int memory_events_fd() const { return v2_ ? cgroup_.memory_events.get() : -1; }

  // False if this instance cannot be frozen. Returns before all of it is.
  bool SetFrozen(bool frozen) const;
  // After SetFrozen(true), which it repeats: until nothing of it runs; false if that does not happen
  // in a second.
  bool WaitFrozen() const;

  // Kills what is in the cgroup, where the kernel can do that (v2).
  void KillAll() const;
  // Whether no process is left in the cgroup; true if that cannot be told.
  bool IsEmpty() const;

 private:
  pid_t init_;
  bool has_cgroup_;
  CgroupFiles cgroup_;
  bool v2_ = false;
  // What Remember saw. Only the thread that invokes asks for these.
  mutable Duration seen_cpu_{};
  mutable uint64_t seen_peak_ = 0;
  mutable uint64_t seen_oom_kills_ = 0;
  mutable uint64_t seen_fork_refusals_ = 0;
};

}  // namespace nanogrid
