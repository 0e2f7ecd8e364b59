// Wakes who waits for something to change.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "nanogrid/clock.h"

namespace nanogrid {

// Not thread-safe by itself: its owner's mutex guards it.
class ChangeSignal {
 public:
  // With the mutex held.
  void Notify() {
    ++changes_;
    changed_.notify_all();
  }

  // Waits, the lock given up meanwhile, until notified, `until` on `clock`, the context's end or,
  // at most, `longest`. False if the context has ended.
  bool Wait(std::unique_lock<std::mutex>& lock, const Context& context, const Clock& clock,
            TimePoint until, Duration longest = Duration::max()) {
    // Nobody tells when a clock that is not the machine's jumps.
    if (&clock != &Clock::System()) longest = std::min<Duration>(longest, kForeignClockLook);
    const TimePoint now = clock.Now();
    until = std::min(until, context.deadline);
    if (context.stop.stop_requested() || context.deadline <= now) return false;
    const auto notified = [this, seen = changes_] { return changes_ != seen; };
    if (until == TimePoint::max() && longest == Duration::max()) {
      changed_.wait(lock, context.stop, notified);
    } else {
      changed_.wait_for(lock, context.stop, std::min(until - now, longest), notified);
    }
    return !context.stop.stop_requested();
  }

 private:
  static constexpr Duration kForeignClockLook = std::chrono::milliseconds(5);

  std::condition_variable_any changed_;
  uint64_t changes_ = 0;
};

}  // namespace nanogrid
