// Whether to look for a warm instance's answer before going to sleep.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nanogrid {

// Looking is in vain where the instance can only run on the CPU that this keeps busy. Then it is
// tried ever less often, until it helps again.
class SpinHabit {
 public:
  // Asked once an invocation.
  bool IsDue() {
    if (skip_ == 0) return true;
    --skip_;
    return false;
  }
  void Learn(bool answered) {
    pause_ = answered ? 0 : std::min<uint32_t>(2 * pause_ + 1, kMaxPause);
    skip_ = pause_;
  }

  static constexpr uint32_t kMaxPause = 127;  // invocations

 private:
  uint32_t pause_ = 0, skip_ = 0;
};

}  // namespace nanogrid
