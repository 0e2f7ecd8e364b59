// What an instance without a cgroup uses: its processes, found in /proc from its init down.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "nanogrid/context.h"

namespace nanogrid {

struct TreeUsage {
  uint64_t memory = 0;     // bytes, resident and not shared with files
  uint64_t processes = 0;  // processes and threads, without the init
  Duration cpu{};          // of those alive and those they have waited for
};

// A snapshot; processes that come and go meanwhile may be missed.
TreeUsage ReadProcessTree(pid_t init);

}  // namespace nanogrid
