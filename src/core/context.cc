#include "nanogrid/context.h"

namespace nanogrid {

Context Context::WithTimeout(Duration timeout) {
  const TimePoint now = std::chrono::steady_clock::now();
  Context context;
  if (timeout < TimePoint::max() - now) context.deadline = now + timeout;
  return context;
}

Context Context::WithStop(std::stop_token stop) {
  Context context;
  context.stop = std::move(stop);
  return context;
}

Status Context::Check(TimePoint now) const {
  if (stop.stop_requested()) return absl::CancelledError("cancelled by the caller");
  if (now >= deadline) return absl::DeadlineExceededError("the caller's deadline has passed");
  return absl::OkStatus();
}

}  // namespace nanogrid
