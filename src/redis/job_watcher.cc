#include "redis/job_watcher.h"

#include "core/backoff.h"
#include "core/errors.h"

namespace nanogrid::redis {
namespace {

// How often to look without being told: with somebody who listens, and without.
constexpr std::chrono::milliseconds kPoll(2000), kPollUnheard(200);
// A connection that is silent is asked whether it is still there.
constexpr std::chrono::seconds kPing(10);

}  // namespace

JobWatcher::JobWatcher(const Server& server, std::string channels)
    : server_(server), channels_(std::move(channels)) {}

JobWatcher::~JobWatcher() = default;

JobWatcher::Watch::Watch(JobWatcher& watcher, std::string job_id)
    : watcher_(watcher), job_id_(std::move(job_id)) {
  const std::lock_guard lock(watcher_.mutex_);
  watcher_.watches_.emplace(job_id_, this);
  if (std::exchange(watcher_.started_, true)) return;
  watcher_.thread_ =
      std::jthread([&listener = watcher_](const std::stop_token& stop) { listener.Listen(stop); });
}

JobWatcher::Watch::~Watch() {
  const std::lock_guard lock(watcher_.mutex_);
  const auto [begin, end] = watcher_.watches_.equal_range(job_id_);
  for (auto watch = begin; watch != end; ++watch) {
    if (watch->second != this) continue;
    watcher_.watches_.erase(watch);
    return;
  }
}

void JobWatcher::Watch::Wait(const Context& context, const Clock& clock) {
  const Duration poll = watcher_.listening_ ? kPoll : kPollUnheard;
  const Duration jitter(
      static_cast<Duration::rep>(static_cast<double>(poll.count()) / 4 * RandomFraction()));
  std::unique_lock lock(watcher_.mutex_);
  if (!changed_) signal_.Wait(lock, context, clock, TimePoint::max(), poll + jitter);
  changed_ = false;
}

void JobWatcher::Listen(const std::stop_token& stop) {
  const Context context = Context::WithStop(stop);
  Backoff backoff({.base = std::chrono::milliseconds(50), .cap = std::chrono::seconds(2)});
  while (!stop.stop_requested()) {
    ListenOnce(context).IgnoreError();  // whoever waits polls, and is told what is wrong
    if (listening_.exchange(false)) backoff.Reset();
    backoff.WaitNext(context).IgnoreError();
  }
}

Status JobWatcher::ListenOnce(const Context& context) {
  NANOGRID_ASSIGN_OR_RETURN(auto connection, Connection::Open(context, server_));
  NANOGRID_RETURN_IF_ERROR(
      connection->Send(context, Request().Command("PSUBSCRIBE", channels_ + "*")));
  bool asked = false;
  while (true) {
    Context patient = context;
    patient.deadline = std::chrono::steady_clock::now() + kPing;
    const Result<Reply> message = connection->Receive(patient, 2 * kPing);
    if (message.ok() && message->is_error()) return Unavailable("{}", message->text);
    if (message.ok()) {
      asked = false;
      Heard(*message);
      continue;
    }
    if (!absl::IsDeadlineExceeded(message.status()) || asked) return message.status();
    asked = true;
    NANOGRID_RETURN_IF_ERROR(connection->Send(context, Request().Command("PING")));
  }
}

// ["psubscribe", pattern, 1] or ["pmessage", pattern, channel, event]; ["pong", ""].
void JobWatcher::Heard(const Reply& message) {
  if (message.items.size() < 3) return;
  if (message.items[0].text == "psubscribe") {
    listening_ = true;
    return NotifyAll();  // about what happened before
  }
  const std::string& channel = message.items[2].text;
  if (!channel.starts_with(channels_)) return;
  const std::lock_guard lock(mutex_);
  for (const std::string& job_id : {channel.substr(channels_.size()), std::string()}) {
    const auto [begin, end] = watches_.equal_range(job_id);
    for (auto watch = begin; watch != end; ++watch) {
      watch->second->changed_ = true;
      watch->second->signal_.Notify();
    }
  }
}

void JobWatcher::NotifyAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& [job_id, watch] : watches_) {
    watch->changed_ = true;
    watch->signal_.Notify();
  }
}

}  // namespace nanogrid::redis
