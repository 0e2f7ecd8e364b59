// Time as a dependency, so that tests hold the hands of the clock.
#pragma once

#include <chrono>

#include "nanogrid/context.h"

namespace nanogrid {

using SystemTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Monotonic; for deadlines and durations.
  virtual TimePoint Now() const = 0;
  // The calendar; for records that people and other machines read. May jump.
  virtual SystemTime WallNow() const = 0;

  // The machine's clocks. Never destroyed.
  static const Clock& System();
};

}  // namespace nanogrid
