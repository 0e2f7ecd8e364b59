#include "engine/worker_leases.h"

#include <algorithm>
#include <utility>

#include "engine/job_life.h"
#include "engine/job_pause.h"

namespace nanogrid {
namespace {

constexpr size_t kEventBatch = 1000;
constexpr Duration kFlushEvery = std::chrono::milliseconds(100);
constexpr Duration kPauseAfterError = std::chrono::milliseconds(200);

// Whether it says that `lease` is over. What was before this attempt says nothing, but an end.
bool Ends(const JobEvent& event, const JobLease& lease) {
  if (IsTerminal(event.state) || event.attempt > lease.attempt) return true;
  return event.attempt == lease.attempt && event.state == JobState::kPending;
}

}  // namespace

WorkerLeases::WorkerLeases(const WorkerParts& parts, std::string events_end)
    : parts_(parts),
      cursor_(std::move(events_end)),
      keeper_([this](const std::stop_token& stop) { KeepLeases(stop); }),
      follower_([this](const std::stop_token& stop) { FollowEvents(stop); }),
      flusher_([this](const std::stop_token& stop) { FlushLogs(stop); }) {}

void WorkerLeases::Hold(const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  receipts_.insert(receipt);
}

void WorkerLeases::Release(const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  receipts_.erase(receipt);
}

void WorkerLeases::Begin(const std::shared_ptr<HeldAttempt>& attempt) {
  const std::lock_guard lock(mutex_);
  attempts_.emplace(attempt->lease.id, Kept{attempt, TimePoint::min()});
  if (stopped_) attempt->stop.request_stop();
  begun_.notify_one();
}

void WorkerLeases::Keep(const std::shared_ptr<HeldAttempt>& attempt, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = attempts_.equal_range(attempt->lease.id);
  const auto mine =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second.attempt == attempt; });
  if (mine != end) mine->second.until = now + parts_.options.lease;
}

void WorkerLeases::End(const std::shared_ptr<HeldAttempt>& attempt) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = attempts_.equal_range(attempt->lease.id);
  const auto mine =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second.attempt == attempt; });
  if (mine != end) attempts_.erase(mine);
}

void WorkerLeases::StopAll() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (auto& [id, kept] : attempts_) kept.attempt->stop.request_stop();
}

void WorkerLeases::KeepLeases(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Pause(stop, parts_.options.lease / 4);
    ExtendJobs(parts_.clock->Now());
    ExtendMessages();
  }
}

void WorkerLeases::ExtendJobs(TimePoint now) {
  std::vector<Kept> kept;
  std::vector<JobLease> leases;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : attempts_) {
      if (entry.until == TimePoint::min()) continue;
      kept.push_back(entry);
      leases.push_back(entry.attempt->lease);
    }
  }
  if (leases.empty()) return;
  const Duration lease = parts_.options.lease;
  const auto lost = parts_.jobs->Extend(Context{.deadline = now + lease / 2}, leases,
                                        Later(parts_.clock->WallNow(), lease));
  if (!lost.ok()) {
    parts_.observer->OnError("keep jobs", lost.status());
    // Somebody else may have those that could not be kept in time.
    for (const Kept& entry : kept) {
      if (entry.until <= parts_.clock->Now()) entry.attempt->Lose();
    }
    return;
  }
  for (const Kept& entry : kept) {
    const JobLease& mine = entry.attempt->lease;
    const bool gone = std::any_of(lost->begin(), lost->end(), [&](const JobLease& other) {
      return other.id == mine.id && other.attempt == mine.attempt;
    });
    if (gone) {
      entry.attempt->Lose();
    } else {
      Keep(entry.attempt, now);
    }
  }
}

void WorkerLeases::ExtendMessages() {
  std::vector<Receipt> receipts;
  {
    const std::lock_guard lock(mutex_);
    receipts.assign(receipts_.begin(), receipts_.end());
  }
  const Duration lease = parts_.options.lease;
  const Context context{.deadline = parts_.clock->Now() + lease / 2};
  for (size_t first = 0; first < receipts.size(); first += Queue::kMaxBatch) {
    const size_t count = std::min(receipts.size() - first, Queue::kMaxBatch);
    // A message that was lost brings somebody who sees that the job is being run.
    const auto lost =
        parts_.queue->Extend(context, std::span(receipts).subspan(first, count), lease);
    if (!lost.ok()) parts_.observer->OnError("keep messages", lost.status());
  }
}

void WorkerLeases::FollowEvents(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto events = parts_.jobs->Events(Context::WithStop(stop), "", cursor_, kEventBatch);
    if (!events.ok()) {
      parts_.observer->OnError("follow jobs", events.status());
      Pause(stop, kPauseAfterError);
      continue;
    }
    for (const JobEvent& event : *events) LookAt(event);
    if (!events->empty()) cursor_ = events->back().cursor;
  }
}

void WorkerLeases::LookAt(const JobEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = attempts_.equal_range(event.job_id);
  for (auto entry = begin; entry != end; ++entry) {
    HeldAttempt& attempt = *entry->second.attempt;
    if (Ends(event, attempt.lease)) attempt.Lose();
  }
}

void WorkerLeases::FlushLogs(const std::stop_token& stop) {
  std::vector<std::shared_ptr<HeldAttempt>> attempts;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!begun_.wait(lock, stop, [this] { return !attempts_.empty(); })) return;
      for (const auto& [id, kept] : attempts_) attempts.push_back(kept.attempt);
    }
    for (const auto& attempt : attempts) attempt->log.Flush();
    attempts.clear();
    Pause(stop, kFlushEvery);
  }
}

}  // namespace nanogrid
