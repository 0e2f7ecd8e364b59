#include "api/task_pool.h"

#include <utility>

namespace nanogrid {

TaskPool::TaskPool(uint32_t threads) {
  for (uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

void TaskPool::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ready_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void TaskPool::PostAfter(Duration delay, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    later_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
  }
  changed_.notify_one();
}

void TaskPool::Stop() {
  std::deque<Task> ready;
  std::multimap<TimePoint, Task> later;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ready.swap(ready_);
    later.swap(later_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

size_t TaskPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return ready_.size();
}

void TaskPool::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const TimePoint now = std::chrono::steady_clock::now();
    while (!later_.empty() && later_.begin()->first <= now) {
      ready_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (ready_.empty()) {
      if (later_.empty()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, TimePoint(later_.begin()->first));
      }
      continue;
    }
    Task task = std::move(ready_.front());
    ready_.pop_front();
    // Somebody else sees to what is next, also to what is only due later.
    if (!ready_.empty() || !later_.empty()) changed_.notify_one();
    lock.unlock();
    task();
    task = nullptr;  // what it holds may end here, without the lock
    lock.lock();
  }
}

}  // namespace nanogrid
