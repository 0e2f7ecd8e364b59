// A clock that stands still until it is told to move on.
#pragma once

#include <atomic>

#include "nanogrid/clock.h"

namespace nanogrid {

// Thread-safe. Both times move together.
class FakeClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(Elapsed()) + std::chrono::hours(1); }
  SystemTime WallNow() const override {
    constexpr auto kStart = std::chrono::sys_days(std::chrono::January / 1 / 2030);
    return SystemTime(kStart) + std::chrono::floor<std::chrono::milliseconds>(Elapsed());
  }
  void Advance(Duration by) { elapsed_.fetch_add(by.count()); }

 private:
  Duration Elapsed() const { return Duration(elapsed_.load()); }

  std::atomic<Duration::rep> elapsed_{0};
};

}  // namespace nanogrid
