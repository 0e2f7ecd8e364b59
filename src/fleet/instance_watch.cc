#include "fleet/instance_watch.h"

#include <utility>

#include "core/backoff.h"
#include "nanogrid/clock.h"

namespace nanogrid {
namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(5);

}  // namespace

void InstanceWatchState::Look(const Context& context, TimePoint now) {
  LookForNotice(context);
  if (parts_.protect) LookAfterProtection(context, now);
}

void InstanceWatchState::LookForNotice(const Context& context) {
  if (left_) return;
  const Result<std::string> notice = parts_.notice(context);
  Tell(notice_fails_, "notice", notice.status());
  if (!notice.ok() || notice->empty()) return;
  left_ = true;
  parts_.leave(*notice);
}

void InstanceWatchState::LookAfterProtection(const Context& context, TimePoint now) {
  const bool busy = parts_.busy();
  if (busy) last_busy_ = now;
  const bool recently =
      last_busy_ != TimePoint::min() && now - last_busy_ < parts_.idle_before_release;
  const bool wanted = busy || recently;
  if (known_ && wanted == is_protected_) return;
  const Status status = parts_.protect(context, wanted);
  Tell(protection_fails_, "scale-in protection", status);
  if (!status.ok()) return;
  known_ = true;
  is_protected_ = wanted;
}

void InstanceWatchState::Tell(bool& failing, std::string_view where, const Status& status) {
  if (!status.ok() && !failing) parts_.observer->OnError(where, status);
  failing = !status.ok();
}

InstanceWatch::InstanceWatch(InstanceWatchParts parts)
    : every_(parts.every), state_(std::move(parts)), thread_([this](const std::stop_token& stop) {
        do {
          Context call = Context::WithTimeout(kCallTimeout);
          call.stop = stop;
          state_.Look(call, Clock::System().Now());
        } while (Wait(Context::WithStop(stop), every_).ok());
      }) {}

}  // namespace nanogrid
