// A few threads for calls that block, and for what is to be done later.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "nanogrid/context.h"

namespace nanogrid {

// Thread-safe. After Stop nothing runs: tasks are dropped.
class TaskPool {
 public:
  using Task = std::function<void()>;

  explicit TaskPool(uint32_t threads);
  ~TaskPool() { Stop(); }

  void Post(Task task);
  void PostAfter(Duration delay, Task task);
  // Waits for those that run.
  void Stop();

  size_t waiting() const;  // posted, due and not begun

 private:
  void Run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<Task> ready_;
  std::multimap<TimePoint, Task> later_;
  std::vector<std::thread> threads_;
};

}  // namespace nanogrid
