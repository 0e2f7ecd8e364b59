// Waiting that can be stopped.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "nanogrid/context.h"

namespace nanogrid {

// Returns after `duration`, or as soon as stop is requested.
inline void Pause(const std::stop_token& stop, Duration duration) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace nanogrid
