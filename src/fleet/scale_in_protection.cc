#include "fleet/scale_in_protection.h"

#include <algorithm>

namespace nanogrid {
namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(5);

}  // namespace

Status ScaleInProtection::Hold(const Context& context) {
  const std::lock_guard lock(mutex_);
  last_needed_ = parts_.clock->Now();
  if (known_ && is_protected_) return absl::OkStatus();
  return Set(context, true);
}

Status ScaleInProtection::Review(const Context& context, const std::function<bool()>& busy) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = parts_.clock->Now();
  if (busy()) last_needed_ = now;
  const bool needed =
      last_needed_ != TimePoint::min() && now - last_needed_ < parts_.idle_before_release;
  if (needed) return absl::OkStatus();  // Hold has taken it, or nothing runs
  if (known_ && !is_protected_) return absl::OkStatus();
  return Set(context, false);
}

Status ScaleInProtection::Set(const Context& context, bool is_protected) {
  Context call{std::min(context.deadline, parts_.clock->Now() + kCallTimeout), context.stop};
  known_ = false;
  Status status = parts_.protect(call, is_protected);
  known_ = status.ok();
  is_protected_ = is_protected;
  return status;
}

}  // namespace nanogrid
