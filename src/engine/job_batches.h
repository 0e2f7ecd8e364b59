// Small work that is done later, many at once, on a thread of its own.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "nanogrid/context.h"

namespace nanogrid {

// What is lost here (an error, an overflow, the end of the process) somebody must notice later.
// Thread-safe.
template <typename Item>
class JobBatches {
 public:
  // Does a batch of 1..max_batch items. Not OK: it is done again after a pause, a few times.
  using Work = std::function<Status(const Context&, std::span<const Item>)>;

  JobBatches(size_t max_batch, Work work)
      : max_batch_(max_batch),
        work_(std::move(work)),
        thread_([this](std::stop_token stop) { Run(stop); }) {}
  // Does what was added, as long as that works.
  ~JobBatches() = default;

  void Add(Item item) {
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= kMaxWaiting) return;
      items_.push_back(std::move(item));
    }
    changed_.notify_one();
  }

 private:
  static constexpr size_t kMaxWaiting = 100'000;
  static constexpr int kTries = 5;
  static constexpr Duration kFirstPause = std::chrono::milliseconds(100);

  void Run(const std::stop_token& stop) {
    while (true) {
      const std::vector<Item> batch = Take(stop);
      if (batch.empty()) return;
      Duration pause = kFirstPause;
      for (int i = 1; !work_(Context{}, batch).ok() && i < kTries; ++i, pause *= 4) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, pause, [] { return false; });
        if (stop.stop_requested()) return;
      }
    }
  }

  // Waits for the next ones; none: stopped, and nothing is left.
  std::vector<Item> Take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !items_.empty(); });
    const size_t count = std::min(items_.size(), max_batch_);
    std::vector<Item> batch(std::make_move_iterator(items_.begin()),
                            std::make_move_iterator(items_.begin() + static_cast<long>(count)));
    items_.erase(items_.begin(), items_.begin() + static_cast<long>(count));
    return batch;
  }

  const size_t max_batch_;
  const Work work_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> items_;
  std::jthread thread_;  // last: uses the rest
};

}  // namespace nanogrid
