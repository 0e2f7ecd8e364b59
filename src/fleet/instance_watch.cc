#include "fleet/instance_watch.h"

#include <utility>

#include "core/backoff.h"

namespace nanogrid {
namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(5);

}  // namespace

void InstanceWatchState::Look(const Context& context) {
  LookForNotice(context);
  if (parts_.protection == nullptr) return;
  Tell(protection_fails_, "scale-in protection", parts_.protection->Review(context, parts_.busy));
}

void InstanceWatchState::LookForNotice(const Context& context) {
  if (left_) return;
  const Result<std::string> notice = parts_.notice(context);
  Tell(notice_fails_, "notice", notice.status());
  if (!notice.ok() || notice->empty()) return;
  left_ = true;
  parts_.leave(*notice);
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
          state_.Look(call);
        } while (Wait(Context::WithStop(stop), every_).ok());
      }) {}

}  // namespace nanogrid
