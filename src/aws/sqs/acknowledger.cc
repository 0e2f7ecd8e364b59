#include "aws/sqs/acknowledger.h"

#include <algorithm>

namespace nanogrid::aws {
namespace {

constexpr size_t kThreads = 4;  // batches on their way at the same time
constexpr Duration kFinish = std::chrono::seconds(3);
// After a batch that failed: a quarter of the time for which it has been tried.
constexpr Duration kMinPause = std::chrono::milliseconds(500);
constexpr Duration kMaxPause = std::chrono::seconds(30);
constexpr Duration kCall = std::chrono::seconds(20);

TimePoint Now() { return std::chrono::steady_clock::now(); }

bool IsTrouble(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status);
}

}  // namespace

SqsAcknowledger::~SqsAcknowledger() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    give_up_ = Now() + kFinish;
  }
  changed_.notify_all();
  threads_.clear();
}

void SqsAcknowledger::Add(std::vector<SqsLease> leases) {
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = Now();
    for (SqsLease& lease : leases) pending_.push_back({std::move(lease), now});
    // One thread for a start; more when it cannot keep up.
    if (threads_.empty() || (pending_.size() >= 2 * kSqsBatch && threads_.size() < kThreads)) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  changed_.notify_one();
}

Status SqsAcknowledger::Failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

TimePoint SqsAcknowledger::Due(const Pending& pending) const {
  return pending.since + std::min(linger_, (pending.lease.ends - pending.since) / 2);
}

void SqsAcknowledger::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (pending_.empty()) {
      if (ending_) return;
      changed_.wait(lock);
      continue;
    }
    if (pending_.size() < kSqsBatch && !ending_) {
      TimePoint due = TimePoint::max();
      for (const Pending& each : pending_) due = std::min(due, Due(each));
      if (Now() < due) {
        changed_.wait_until(lock, due);
        continue;
      }
    }
    std::vector<Pending> batch;
    while (!pending_.empty() && batch.size() < kSqsBatch) {
      batch.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    lock.unlock();
    SendBatch(std::move(batch));
    lock.lock();
  }
}

// Without the mutex.
void SqsAcknowledger::SendBatch(std::vector<Pending> batch) {
  std::vector<std::string> handles;
  for (const Pending& each : batch) handles.push_back(each.lease.receipt);
  Context context;
  {
    const std::lock_guard lock(mutex_);
    context.deadline = std::min(Now() + kCall, give_up_);
  }
  const auto results = calls_.Delete(context, handles);
  // SQS ignores old receipts, so that whatever it has refused is not there any more.
  std::vector<Pending> again;
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool done = results.ok() && ((*results)[i].error.empty() || (*results)[i].final);
    if (!done && Now() < batch[i].lease.ends) again.push_back(std::move(batch[i]));
  }
  std::unique_lock lock(mutex_);
  if (!IsTrouble(results.status())) failure_ = results.status();
  if (again.empty()) return;
  const Duration pause = std::clamp((Now() - again.front().since) / 4, kMinPause, kMaxPause);
  if (!ending_) changed_.wait_for(lock, pause, [this] { return ending_; });
  if (Now() >= give_up_) return;
  for (Pending& each : again) pending_.push_front(std::move(each));
}

}  // namespace nanogrid::aws
