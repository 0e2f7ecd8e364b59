#include "api/remote_feed.h"

#include <algorithm>

namespace nanogrid {
namespace {

// Read ahead of who takes them; then the server waits.
constexpr size_t kMaxAhead = 10'000;

}  // namespace

RemoteFeed::RemoteFeed(std::string cursor, Follow follow)
    : cursor_(std::move(cursor)),
      thread_(
          [this, follow = std::move(follow)](const std::stop_token& stop) { Run(stop, follow); }) {}

void RemoteFeed::Run(const std::stop_token& stop, const Follow& follow) {
  const Status status = follow(Context::WithStop(stop), [&](const JobEvent& event) -> Status {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return events_.size() < kMaxAhead; });
    events_.push_back(event);
    changed_.notify_all();
    return absl::OkStatus();
  });
  const std::lock_guard lock(mutex_);
  over_ = true;
  status_ = status;
  changed_.notify_all();
}

Result<std::vector<JobEvent>> RemoteFeed::Next(const Context& context, size_t limit) {
  std::unique_lock lock(mutex_);
  // A stream that ended well has no more to say: as quiet as one on which nothing happens.
  const auto ready = [this] { return !events_.empty() || (over_ && !status_.ok()); };
  if (context.deadline == TimePoint::max()) {
    changed_.wait(lock, context.stop, ready);
  } else {
    changed_.wait_until(lock, context.stop, context.deadline, ready);
  }
  if (events_.empty() && over_ && !status_.ok()) return status_;
  std::vector<JobEvent> taken;
  while (!events_.empty() && taken.size() < limit) {
    taken.push_back(std::move(events_.front()));
    events_.pop_front();
  }
  if (!taken.empty()) {
    cursor_ = taken.back().cursor;
    changed_.notify_all();
  }
  return taken;
}

}  // namespace nanogrid
