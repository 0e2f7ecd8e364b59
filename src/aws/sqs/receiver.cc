#include "aws/sqs/receiver.h"

#include <algorithm>
#include <iterator>

#include "core/errors.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kMaxPolls = 10;  // at the same time: as many as a batch of a hundred takes
constexpr Duration kLately = std::chrono::milliseconds(500);
// How long a message waits here for somebody to take it.
constexpr Duration kHold = std::chrono::seconds(1);
constexpr Duration kGiveBack = std::chrono::seconds(5);
constexpr Duration kLastGiveBack = std::chrono::seconds(1);

TimePoint Now() { return std::chrono::steady_clock::now(); }
TimePoint HoldUntil(TimePoint now, Duration lease) { return now + std::min(kHold, lease / 3); }

std::chrono::seconds CeilSeconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

// What is left of a lease may be a little less than was asked for, or a little more.
bool IsAbout(Duration left, Duration lease) {
  return left >= lease - lease / 10 && left <= lease + lease / 10 + std::chrono::seconds(1);
}

}  // namespace

SqsReceiver::~SqsReceiver() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    work_.notify_all();
  }
  threads_.clear();
  Lock lock(mutex_);
  GiveBack(lock, TimePoint::max());
}

Result<std::vector<SqsDelivery>> SqsReceiver::Take(const Context& context, size_t max,
                                                   Duration lease) {
  Lock lock(mutex_);
  Waiter waiter{.want = max, .lease = lease, .deadline = context.deadline};
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  Result<std::vector<SqsDelivery>> taken = AwaitFirst(lock, context, waiter);
  waiters_.erase(place);
  if (!taken.ok() || taken->empty()) return taken;
  Fill(lock, context, waiter, *taken);
  taken_.emplace_back(Now(), taken->size());
  lock.unlock();
  return Renew(context, *std::move(taken), lease);
}

Result<std::vector<SqsDelivery>> SqsReceiver::AwaitFirst(Lock& lock, const Context& context,
                                                         Waiter& waiter) {
  std::vector<SqsDelivery> taken;
  const uint64_t seen = failures_;
  while (context.Check(Now()).ok()) {
    TakeHeld(waiter.want, taken);
    if (!taken.empty()) break;
    if (failures_ != seen) return failure_;
    AddLongPolls(Now());
    // A poll that came back empty is followed by another.
    const auto changed = [&, ended = ended_] { return !held_.empty() || ended_ != ended; };
    if (context.deadline == TimePoint::max()) {
      arrived_.wait(lock, context.stop, changed);
    } else {
      arrived_.wait_until(lock, context.stop, context.deadline, changed);
    }
  }
  return taken;
}

void SqsReceiver::Fill(Lock& lock, const Context& context, const Waiter& waiter,
                       std::vector<SqsDelivery>& taken) {
  // The long poll was not full: there is no more.
  size_t expected = kSqsBatch;
  while (taken.size() < waiter.want && taken.size() >= expected && context.Check(Now()).ok()) {
    const auto unfinished = std::make_shared<size_t>(0);
    size_t missing = waiter.want - taken.size();
    const size_t lately = TakenLately(Now());
    while (missing > 0 && *unfinished < round_ && polls_ < kMaxPolls) {
      const size_t max = std::min(missing + lately, kSqsBatch);
      ++*unfinished;
      Begin({.max = max, .lease = waiter.lease, .unfinished = unfinished});
      const size_t used = std::min(missing, max);  // what is beyond is held for the next
      missing -= used;
      expected += used;
    }
    if (*unfinished == 0) return;
    arrived_.wait_until(lock, context.stop, context.deadline, [&] { return *unfinished == 0; });
    TakeHeld(waiter.want, taken);
    round_ = taken.size() >= expected ? std::min(2 * round_, kMaxPolls) : 1;
  }
}

Result<std::vector<SqsDelivery>> SqsReceiver::Renew(const Context& context,
                                                    std::vector<SqsDelivery> taken,
                                                    Duration lease) {
  const TimePoint now = Now();
  std::vector<SqsDelivery> good, other;
  for (SqsDelivery& each : taken) {
    // In a FIFO queue nobody gets one before those ahead of it are sure.
    const bool is_good = IsAbout(each.lease_ends - now, lease) && (!fifo_ || other.empty());
    (is_good ? good : other).push_back(std::move(each));
  }
  if (other.empty()) return good;
  std::vector<std::string> handles;
  for (const SqsDelivery& each : other) handles.push_back(each.message.handle);
  const std::vector<std::chrono::seconds> leases(other.size(), CeilSeconds(lease));
  const auto results = calls_.SetVisibility(context, handles, leases);
  if (!results.ok()) {
    const Lock lock(mutex_);
    for (auto each = other.rbegin(); each != other.rend(); ++each) {  // where they were
      held_.push_front({std::move(*each), HoldUntil(now, lease)});
    }
    arrived_.notify_all();
    work_.notify_one();
    return good.empty() && context.Check(Now()).ok()
               ? Result<std::vector<SqsDelivery>>(results.status())
               : good;
  }
  for (size_t i = 0; i < other.size(); ++i) {
    if (!(*results)[i].error.empty()) {  // its lease has ended: it comes again
      if (fifo_) break;                  // before those behind it
      continue;
    }
    other[i].lease_ends = now + lease;
    good.push_back(std::move(other[i]));
  }
  // All of them gone: begin again rather than answer that the context has ended.
  return good.empty() ? Take(context, taken.size(), lease) : good;
}

void SqsReceiver::AddLongPolls(TimePoint now) {
  size_t wanted = 0;
  Poll poll;
  for (const Waiter* const waiter : waiters_) {
    wanted += std::min(waiter->want, kSqsBatch);
    poll.lease = std::max(poll.lease, waiter->lease);
    const Duration left =
        waiter->deadline == TimePoint::max() ? Duration(wait_) : waiter->deadline - now;
    poll.wait = std::max(poll.wait, std::clamp(CeilSeconds(left), std::chrono::seconds(1), wait_));
  }
  while (asked_ < wanted && polls_ < kMaxPolls) {
    poll.max = std::min(wanted - asked_ + TakenLately(now), kSqsBatch);
    Begin(poll);
  }
}

void SqsReceiver::Begin(Poll poll) {
  ++polls_;
  asked_ += poll.max;
  queued_.push_back(std::move(poll));
  if (idle_threads_ < queued_.size() && threads_.size() < kMaxPolls) {
    threads_.emplace_back([this] { Run(); });
  } else {
    work_.notify_one();
  }
}

void SqsReceiver::TakeHeld(size_t max, std::vector<SqsDelivery>& taken) {
  while (!held_.empty() && taken.size() < max) {
    taken.push_back(std::move(held_.front().delivery));
    held_.pop_front();
  }
}

size_t SqsReceiver::TakenLately(TimePoint now) {
  while (!taken_.empty() && taken_.front().first < now - kLately) taken_.pop_front();
  size_t count = 0;
  for (const auto& [time, each] : taken_) count += each;
  return count;
}

void SqsReceiver::Run() {
  Lock lock(mutex_);
  while (!stop_.stop_requested()) {
    if (!queued_.empty()) {
      const Poll poll = std::move(queued_.front());
      queued_.pop_front();
      RunPoll(lock, poll);
      continue;
    }
    ++idle_threads_;
    if (held_.empty()) {
      work_.wait(lock);
    } else {
      const TimePoint until = held_.front().until;  // gone before the wait ends, perhaps
      work_.wait_until(lock, until);
    }
    --idle_threads_;
    if (queued_.empty()) GiveBack(lock, Now());
  }
}

void SqsReceiver::RunPoll(Lock& lock, const Poll& poll) {
  lock.unlock();
  const SqsReceive receive{.max_messages = poll.max,
                           .visibility = CeilSeconds(poll.lease),
                           .wait = poll.wait,
                           .attempt = fifo_ ? MakeRequestId() : ""};
  auto messages = calls_.Receive(Context::WithStop(stop_.get_token()), receive);
  lock.lock();
  --polls_;
  ++ended_;
  asked_ -= poll.max;
  if (poll.unfinished != nullptr) --*poll.unfinished;
  if (messages.ok()) {
    // The leases have begun when SQS answered: a moment ago.
    const TimePoint now = Now();
    for (SqsMessage& message : *messages) {
      held_.push_back(
          {{.message = std::move(message), .received = now, .lease_ends = now + poll.lease},
           HoldUntil(now, poll.lease)});
    }
  } else if (!stop_.stop_requested()) {
    ++failures_;
    failure_ = messages.status();
  }
  arrived_.notify_all();
  work_.notify_one();  // for what is held
}

// Those whose time is over by `now`.
void SqsReceiver::GiveBack(Lock& lock, TimePoint now) {
  std::vector<std::string> handles;
  while (!held_.empty() && held_.front().until <= now) {
    handles.push_back(std::move(held_.front().delivery.message.handle));
    held_.pop_front();
  }
  if (handles.empty()) return;
  const bool last = now == TimePoint::max();
  lock.unlock();
  const std::vector<std::chrono::seconds> leases(handles.size(), std::chrono::seconds(0));
  // What cannot be given back comes again when its lease ends.
  calls_.SetVisibility(Context::WithTimeout(last ? kLastGiveBack : kGiveBack), handles, leases)
      .status()
      .IgnoreError();
  lock.lock();
}

}  // namespace nanogrid::aws
