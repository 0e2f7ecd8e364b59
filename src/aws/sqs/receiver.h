// Long polls that outlive who asked for them.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "aws/sqs/calls.h"

namespace nanogrid::aws {

// A message and until when nobody else gets it.
struct SqsDelivery {
  SqsMessage message{};
  TimePoint received{};
  TimePoint lease_ends{};
};

// Polls on threads of its own, because a poll that is cut off in the middle may have leased
// messages that nobody ever sees. Who waits takes what has come, from whichever poll. What nobody
// takes for a while is given back.
//
// A poll asks for no more than who waits wants, and as many as were taken in the last half second:
// many short jobs make full batches, long ones take nothing away from others.
// Thread-safe.
class SqsReceiver {
 public:
  // `calls` outlives it. `wait`: of long polls, at most kSqsMaxWait.
  SqsReceiver(SqsCalls& calls, std::chrono::seconds wait, bool fifo)
      : calls_(calls), wait_(wait), fifo_(fifo) {}
  // Ends the polls and gives back what nobody has taken, for at most a second.
  ~SqsReceiver();

  // 1..max deliveries, whose leases have at least nine tenths of `lease` before them; none if the
  // context ended first.
  Result<std::vector<SqsDelivery>> Take(const Context& context, size_t max, Duration lease);

 private:
  struct Poll {
    size_t max = 1;
    Duration lease{};
    std::chrono::seconds wait{};
    std::shared_ptr<size_t> unfinished{};  // of its round; null: it is in none
  };
  struct Waiter {
    size_t want = 1;
    Duration lease{};
    TimePoint deadline{};
  };
  struct Held {
    SqsDelivery delivery{};
    TimePoint until{};  // then it is given back
  };
  using Lock = std::unique_lock<std::mutex>;

  // The first deliveries for a waiter, or why there are none.
  Result<std::vector<SqsDelivery>> AwaitFirst(Lock& lock, const Context& context, Waiter& waiter);
  // More of them, by short polls side by side, as long as these come back full.
  void Fill(Lock& lock, const Context& context, const Waiter& waiter,
            std::vector<SqsDelivery>& taken);
  // Gives deliveries that were held the lease that is asked for.
  Result<std::vector<SqsDelivery>> Renew(const Context& context, std::vector<SqsDelivery> taken,
                                         Duration lease);

  // With the mutex held.
  void AddLongPolls(TimePoint now);
  void Begin(Poll poll);
  void TakeHeld(size_t max, std::vector<SqsDelivery>& taken);
  size_t TakenLately(TimePoint now);

  // On the polling threads.
  void Run();
  void RunPoll(Lock& lock, const Poll& poll);
  void GiveBack(Lock& lock, TimePoint now);

  SqsCalls& calls_;
  const std::chrono::seconds wait_;
  const bool fifo_;
  const std::stop_source stop_{};  // of the polls
  std::mutex mutex_;
  std::condition_variable_any arrived_;  // for those who wait
  std::condition_variable work_;         // for the polling threads
  std::list<Waiter*> waiters_{};
  std::deque<Poll> queued_{};  // polls that no thread has begun
  size_t polls_ = 0;           // queued or running
  size_t asked_ = 0;           // how many messages they ask for
  uint64_t ended_ = 0;         // polls, so far
  size_t idle_threads_ = 0;
  size_t round_ = 1;  // short polls side by side, when the next batch is filled
  std::deque<Held> held_{};
  uint64_t failures_ = 0;
  Status failure_{};                                  // the last one
  std::deque<std::pair<TimePoint, size_t>> taken_{};  // lately
  std::vector<std::jthread> threads_{};
};

}  // namespace nanogrid::aws
