// One event stream of a controller, read ahead by a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nanogrid/job_store.h"

namespace nanogrid {

class RemoteFeed {
 public:
  using Take = std::function<Status(const JobEvent&)>;
  // Calls back with events until the context ends or the stream does; runs on the feed's thread.
  using Follow = std::function<Status(const Context&, const Take&)>;

  // `cursor`: behind which `follow` begins.
  RemoteFeed(std::string cursor, Follow follow);

  // Behind the last event that was taken.
  const std::string& cursor() const { return cursor_; }
  // At least one, up to `limit`; empty when the context ended first. The stream's error, if it
  // broke.
  Result<std::vector<JobEvent>> Next(const Context& context, size_t limit);

 private:
  void Run(const std::stop_token& stop, const Follow& follow);

  std::string cursor_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<JobEvent> events_;
  bool over_ = false;
  Status status_;
  std::jthread thread_;  // last: it ends before the rest
};

}  // namespace nanogrid
