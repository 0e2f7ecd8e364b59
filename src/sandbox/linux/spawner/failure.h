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

// A seam for tests: the step that the countdown ends at fails, although it was done. It lies in
// memory that the spawner's children share; null unless the configuration asks for it.
inline int32_t* steps_to_fault = nullptr;

// Whether a step was taken; if not, it is noted with errno. Every step that can fail passes here.
inline bool Passes(bool done, Failure& failure, const char* step, const char* detail = nullptr) {
  if (!done) return Fail(failure, errno, step, detail);
  if (steps_to_fault == nullptr || *steps_to_fault == 0 || --*steps_to_fault != 0) return true;
  return Fail(failure, EIO, step, detail);
}

}  // namespace nanogrid::spawner
