// What host and spawner say to each other: one SOCK_SEQPACKET message each, in the machine's own
// layout, because both come from the same build. Descriptors travel beside (SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <cstdint>

#include "sandbox/common/init_wire.h"

namespace nanogrid::wire {

inline constexpr size_t kMaxPath = 4096;
inline constexpr int kSpawnerSocket = 3;  // the spawner's end

enum class Mode : uint32_t { kAuto, kRoot, kRootless };
enum class Cgroups : uint32_t { kAuto, kV1, kV2, kNone };

// As in LinuxSandboxOptions; each includes the one before.
enum class Isolation : uint32_t { kNone, kLimits, kUsers };

// First message, host to spawner. Answered by Answer.
struct Configure {
  Mode mode = Mode::kAuto;
  Cgroups cgroups = Cgroups::kAuto;
  Isolation required = Isolation::kNone;
  int32_t fault_step = 0;           // for tests: this step of the set-up fails; 0: none
  char runtime_dir[kMaxPath] = {};  // absolute, or empty
};

// Where a set-up stopped. `step` is for people: "mount /tmp".
struct Failure {
  int32_t error = 0;  // errno; 0: no failure
  char step[512] = {};
};

struct Answer {
  Failure failure{};
  // To Configure: what was chosen.
  Mode mode = Mode::kAuto;
  Cgroups cgroups = Cgroups::kAuto;
  char note[512] = {};  // why there are no cgroups, if there are none
  // To Start.
  int32_t pid = 0;  // of the instance's init, in the host's pid namespace
  uint32_t has_cgroup = 0;
  uint32_t fd_count = 0;  // that travel with it
};

enum class Request : uint32_t { kStart, kRelease };

// Starts an instance. With it travel the descriptors of StartFd, in that order. Answered by Answer
// with the descriptors of StartedFd.
struct Start {
  Request request = Request::kStart;
  uint64_t id = 0;            // chosen by the host, for Release
  uint64_t memory = 0;        // bytes
  uint64_t cpu_quota_us = 0;  // per 100 ms; 0: no limit
  uint64_t max_processes = 0;
  uint64_t tmp_size = 0;  // bytes
  uint64_t tmp_inodes = 0;
  uint64_t max_open_files = 0;
  uint32_t host_network = 0;
  uint32_t frames = 0;  // input and output are descriptors 3 and 4, else standard input and output
  char code_dir[kMaxPath] = {};
  char root[kMaxPath] = {};     // empty: made of the host's /usr
  char trust_domain[512] = {};  // instances of one domain may use a network namespace in turn
};

// Pipes. None may be a file of the host's: they are given away.
enum StartFd { kInput, kOutput, kLog, kControl, kLaunch, kStartFdCount };

// Of the directory in an instance's /tmp that result files are collected from.
inline constexpr char kOutputName[] = "output";

// The first two always; the others only with a cgroup.
enum StartedFd {
  kPidFd,
  kTmpFd,         // the root of its /tmp, O_PATH; never a place to resolve a path from but beneath
  kFreezeFd,      // "FROZEN"/"THAWED" (v1) or "1"/"0" (v2)
  kCpuFd,         // nanoseconds (v1) or cpu.stat (v2)
  kPeakMemoryFd,  // bytes; absent before Linux 5.19 on v2
  kMemoryFd,      // bytes in use
  kMemoryEventsFd,  // has a line "oom_kill N"
  kPidsEventsFd,    // "max N"; POLLPRI when it grows
  kMembersFd,       // cgroup.procs (v1) or cgroup.events (v2)
  kKillFd,          // v2: "1" kills everything in it
  kStartedFdCount,
};

// The host is done with an instance, which is dead: its cgroup may go. Not answered.
struct Release {
  Request request = Request::kRelease;
  uint64_t id = 0;
};

}  // namespace nanogrid::wire
