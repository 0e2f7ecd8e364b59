// What the kernel tells about a running instance: its cgroup's files, or its process tree.
#pragma once

#include <cstdint>

#include "nanogrid/context.h"
#include "sandbox/linux/spawner_client.h"

namespace nanogrid {

// Figures and levers of one instance. Where there is no cgroup, memory, processes and CPU time come
// from /proc, at some cost, and freezing is not possible.
class InstanceFiles {
 public:
  explicit InstanceFiles(const SpawnedInstance& spawned);

  bool has_cgroup() const { return spawned_.has_cgroup; }
  // Whether poll tells of events (v2): v1 files count, but wake nobody.
  bool tells_events() const { return v2_; }

  Duration CpuTime() const;
  uint64_t Memory() const;
  // Highest since the start.
  uint64_t PeakMemory() const;
  // How often a process was killed for memory, or a fork refused for the process limit, so far.
  uint64_t OomKills() const;
  uint64_t ForkRefusals() const;
  // For poll: POLLPRI when one of the two may have grown; -1 where tells_events() is false.
  int pids_events_fd() const { return v2_ ? spawned_.fds[wire::kPidsEventsFd].get() : -1; }
  int memory_events_fd() const { return v2_ ? spawned_.fds[wire::kMemoryEventsFd].get() : -1; }

  // False if this instance cannot be frozen.
  bool SetFrozen(bool frozen) const;

 private:
  const SpawnedInstance& spawned_;
  bool v2_ = false;
};

}  // namespace nanogrid
