// What a sandbox's init is started with, and what it says. Both sides come from the same build.
#pragma once

#include <cstdint>

namespace nanogrid::wire {

// Written by an instance's init to the control pipe when its main process is gone.
struct ExitReport {
  enum Kind : int32_t { kExited = 1, kSignaled = 2, kExecFailed = 3, kForkFailed = 4 };
  int32_t kind = 0;
  int32_t value = 0;  // exit code, signal number or errno
};

// The launch block, a memfd that init maps: this header, then argc+1+envc+1 offsets (64 bit, from
// the block's start; 0 becomes a null pointer), then the strings.
struct LaunchHeader {
  uint64_t size = 0;
  uint64_t argc = 0;
  uint64_t envc = 0;
};

// Descriptors of init; the runtime inherits those below kInitControl.
inline constexpr int kInitFrameInput = 3;
inline constexpr int kInitFrameOutput = 4;
inline constexpr int kInitControl = 5;
inline constexpr int kInitLaunch = 6;

}  // namespace nanogrid::wire
