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
  receipts_.emplace(receipt, TimePoint::max());
}

bool WorkerLeases::Release(const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  return receipts_.erase(receipt) > 0;
}

bool WorkerLeases::IsHeld(const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  return receipts_.contains(receipt);
}

bool WorkerLeases::Begin(const std::shared_ptr<HeldAttempt>& attempt) {
  const std::lock_guard lock(mutex_);
  if (Find(attempt->lease) != nullptr) return false;
  attempts_.emplace(attempt->lease.id, Kept{attempt, TimePoint::min()});
  if (stopped_) attempt->stop.request_stop();
  begun_.notify_one();
  return true;
}

bool WorkerLeases::AwaitRecorded(const JobLease& lease) {
  std::unique_lock lock(mutex_);
  const Kept* kept = nullptr;
  recorded_.wait(lock, [&] {
    kept = Find(lease);
    return kept == nullptr || kept->until != TimePoint::min();
  });
  return kept != nullptr;
}

const WorkerLeases::Kept* WorkerLeases::Find(const JobLease& lease) const {
  const auto [begin, end] = attempts_.equal_range(lease.id);
  const auto found = std::find_if(begin, end, [&](const auto& entry) {
    return entry.second.attempt->lease.attempt == lease.attempt;
  });
  return found == end ? nullptr : &found->second;
}

void WorkerLeases::Keep(const std::shared_ptr<HeldAttempt>& attempt, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const TimePoint until = now + parts_.options.lease;
  KeepUntil(*attempt, until);
  // This process did not run meanwhile, perhaps, and somebody else has the job.
  if (parts_.clock->Now() >= until) attempt->Lose();
  recorded_.notify_all();
  const auto message = receipts_.find(attempt->receipt);
  if (message != receipts_.end()) message->second = std::min(message->second, now);
}

void WorkerLeases::KeepUntil(const HeldAttempt& attempt, TimePoint until) {
  const auto [begin, end] = attempts_.equal_range(attempt.lease.id);
  const auto mine = std::find_if(
      begin, end, [&](const auto& entry) { return entry.second.attempt.get() == &attempt; });
  if (mine != end) mine->second.until = until;
}

void WorkerLeases::End(const std::shared_ptr<HeldAttempt>& attempt) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = attempts_.equal_range(attempt->lease.id);
  const auto mine =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second.attempt == attempt; });
  if (mine != end) attempts_.erase(mine);
  recorded_.notify_all();
}

void WorkerLeases::StopAll() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (auto& [id, kept] : attempts_) kept.attempt->stop.request_stop();
}

void WorkerLeases::KeepLeases(const std::stop_token& stop) {
  // At once: this thread may begin late, when there is something to keep.
  TimePoint messages = parts_.clock->Now();
  TimePoint jobs = messages;
  while (!stop.stop_requested()) {
    Pause(stop, std::min(jobs, messages) - parts_.clock->Now());
    const TimePoint now = parts_.clock->Now();
    if (now >= jobs) jobs = ExtendJobs(now);
    if (now >= messages) messages = ExtendMessages(now);
  }
}

TimePoint WorkerLeases::ExtendJobs(TimePoint now) {
  const Duration lease = parts_.options.lease;
  std::vector<Kept> kept;
  std::vector<JobLease> leases;
  TimePoint first_end = now + lease;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : attempts_) {
      if (entry.until == TimePoint::min()) continue;
      // This process did not run for so long, perhaps: somebody else may have it.
      if (entry.until <= now) entry.attempt->Lose();
      if (entry.attempt->lost.stop_requested()) continue;
      kept.push_back(entry);
      leases.push_back(entry.attempt->lease);
      first_end = std::min(first_end, entry.until);
    }
  }
  if (leases.empty()) return now + lease / 4;
  // Not longer than the leases last that it is about: who lost one must stop then.
  const auto lost = parts_.jobs->Extend(Context{.deadline = first_end}, leases,
                                        Later(parts_.clock->WallNow(), lease));
  const auto is_lost = [&](const Kept& entry) {
    if (!lost.ok()) return entry.until <= parts_.clock->Now();
    const JobLease& mine = entry.attempt->lease;
    return std::any_of(lost->begin(), lost->end(), [&](const JobLease& other) {
      return other.id == mine.id && other.attempt == mine.attempt;
    });
  };
  if (!lost.ok()) parts_.observer->OnError("keep jobs", lost.status());
  TimePoint again = now + lease / 4;
  for (const Kept& entry : kept) {
    if (is_lost(entry)) {
      entry.attempt->Lose();
    } else if (lost.ok()) {
      const std::lock_guard lock(mutex_);
      KeepUntil(*entry.attempt, now + lease);
    } else {
      again = std::min(again, entry.until);
    }
  }
  return again;
}

TimePoint WorkerLeases::ExtendMessages(TimePoint now) {
  ReleaseLongHeld(now);
  std::vector<Receipt> receipts;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [receipt, since] : receipts_) receipts.push_back(receipt);
  }
  const Duration lease = parts_.options.message_lease;
  const Context context{.deadline = now + lease / 2};
  for (size_t first = 0; first < receipts.size(); first += Queue::kMaxBatch) {
    const size_t count = std::min(receipts.size() - first, Queue::kMaxBatch);
    // A message that was lost brings somebody who sees that the job is being run.
    const auto lost =
        parts_.queue->Extend(context, std::span(receipts).subspan(first, count), lease);
    if (!lost.ok()) parts_.observer->OnError("keep messages", lost.status());
  }
  return now + lease / 4;
}

// Their jobs' records keep them: the sweeper would find them.
void WorkerLeases::ReleaseLongHeld(TimePoint now) {
  std::vector<Receipt> receipts;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [receipt, since] : receipts_) {
      if (since != TimePoint::max() && now - since >= parts_.options.max_message_hold &&
          receipts.size() < Queue::kMaxBatch) {
        receipts.push_back(receipt);
      }
    }
  }
  if (receipts.empty()) return;
  const Context context{.deadline = now + parts_.options.lease};
  if (Status acked = parts_.queue->Ack(context, receipts); !acked.ok()) {
    return parts_.observer->OnError("let go of messages", acked);
  }
  const std::lock_guard lock(mutex_);
  for (const Receipt& receipt : receipts) receipts_.erase(receipt);
}

void WorkerLeases::FollowEvents(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto events = parts_.jobs->Interruptions(Context::WithStop(stop), cursor_, kEventBatch);
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
