// How long a call may take and who may stop it. First argument of every blocking call.
#pragma once

#include <chrono>
#include <stop_token>

#include "nanogrid/status.h"

namespace nanogrid {

using Duration = std::chrono::nanoseconds;
// A point on the steady clock; the wall clock (SystemTime, clock.h) never decides when a call ends.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

struct Context {
  TimePoint deadline = TimePoint::max();  // max(): none
  std::stop_token stop{};                 // default: cannot be stopped

  // Ends `timeout` from now. A timeout too long to represent is none.
  static Context WithTimeout(Duration timeout);
  // Ends when the owner of `stop` asks for it.
  static Context WithStop(std::stop_token stop);

  // OK; Cancelled if stop was requested; DeadlineExceeded if `now` is past the deadline.
  Status Check(TimePoint now) const;
};

}  // namespace nanogrid
