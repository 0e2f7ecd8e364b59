// Who waits for something to happen to a job, and the one connection that hears of it.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "core/change_signal.h"
#include "redis/connection.h"

namespace nanogrid::redis {

// Thread-safe. What it says is a hint: messages may be missed, so whoever waits looks again from
// time to time.
class JobWatcher {
 public:
  // A wait for one job, or for any if `job_id` is empty. Everything from construction on counts.
  class Watch {
   public:
    Watch(JobWatcher& watcher, std::string job_id);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Until something happened since the last Wait, perhaps, or the context ended.
    void Wait(const Context& context, const Clock& clock);

   private:
    friend class JobWatcher;
    JobWatcher& watcher_;
    const std::string job_id_;
    ChangeSignal signal_{};
    bool changed_ = false;
  };

  // `channels`: what the names of channels have before the job's id.
  JobWatcher(const Server& server, std::string channels);
  ~JobWatcher();

 private:
  void Listen(const std::stop_token& stop);
  Status ListenOnce(const Context& context);
  void Heard(const Reply& message);
  void NotifyAll();

  const Server server_;
  const std::string channels_;
  std::mutex mutex_;
  std::unordered_multimap<std::string, Watch*> watches_;
  std::atomic<bool> listening_ = false;
  bool started_ = false;
  std::jthread thread_;  // from the first wait on
};

}  // namespace nanogrid::redis
