// How the spawner's functions fail: false, with the step and errno noted for the host.
#pragma once

#include <errno.h>

#include <cstdio>

#include "sandbox/linux/wire.h"

namespace nanogrid::spawner {

using wire::Failure;

// Notes the step that failed with `error`; the first note wins. Always false. Async-signal-safe
// only without a detail.
inline bool Fail(Failure& failure, int error, const char* step, const char* detail = nullptr) {
  if (failure.error != 0) return false;
  failure.error = error != 0 ? error : EIO;
  size_t at = 0;
  for (const char* part : {step, detail != nullptr ? " " : "", detail != nullptr ? detail : ""}) {
    while (*part != '\0' && at + 1 < sizeof(failure.step)) failure.step[at++] = *part++;
  }
  failure.step[at] = '\0';
  return false;
}

}  // namespace nanogrid::spawner
