#include "nanogrid/clock.h"

namespace nanogrid {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }
  SystemTime WallNow() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace

const Clock& Clock::System() {
  static const Clock& clock = *new SystemClock;
  return clock;
}

}  // namespace nanogrid
