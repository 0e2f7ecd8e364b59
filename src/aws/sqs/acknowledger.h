// Acknowledgements of many threads, sent together.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "aws/sqs/calls.h"
#include "aws/sqs/leases.h"

namespace nanogrid::aws {

// Takes acknowledgements at once and sends them in batches of ten, or after `linger` (half of what
// is left of the lease, if that is shorter), on threads of its own; again and again until the
// message's lease ends. Thread-safe.
class SqsAcknowledger {
 public:
  // `calls` outlives it.
  SqsAcknowledger(SqsCalls& calls, Duration linger) : calls_(calls), linger_(linger) {}
  // Sends what is left, for at most a few seconds.
  ~SqsAcknowledger();

  void Add(std::vector<SqsLease> leases);
  // Why the last batch was refused as a whole, if waiting does not help: no such queue, no
  // permission. OK once a batch has gone through.
  Status Failure() const;

 private:
  struct Pending {
    SqsLease lease{};
    TimePoint since{};
  };
  // It waits no longer for others to be sent with.
  TimePoint Due(const Pending& pending) const;
  void Run();
  void SendBatch(std::vector<Pending> batch);

  SqsCalls& calls_;
  const Duration linger_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  TimePoint give_up_ = TimePoint::max();  // once it is ending
  Status failure_{};
  std::deque<Pending> pending_{};  // the oldest first
  std::vector<std::jthread> threads_{};
};

}  // namespace nanogrid::aws
