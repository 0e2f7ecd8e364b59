// Waiting that can be stopped, and what is worth waiting for.
#pragma once

#include <algorithm>
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

// Pauses between attempts at something, longer and longer.
class GrowingPause {
 public:
  explicit GrowingPause(Duration most = std::chrono::seconds(1)) : most_(most) {}

  // False if stop was requested.
  bool Wait(const std::stop_token& stop) {
    Pause(stop, next_);
    next_ = std::min(next_ * 2, most_);
    return !stop.stop_requested();
  }

 private:
  Duration most_;
  Duration next_ = std::chrono::milliseconds(20);
};

// Whether a store that answered this may answer something else soon.
inline bool MayPass(const Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kResourceExhausted ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

// Whether this says that an attempt is not the caller's any more.
inline bool MeansLost(const Status& status) {
  return status.code() == absl::StatusCode::kAborted ||
         status.code() == absl::StatusCode::kNotFound;
}

}  // namespace nanogrid
