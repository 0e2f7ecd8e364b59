// What event and log streams have in common: a step on the pool whenever there is something to
// send, one at a time, and never a second piece before the client's kernel has the first. So a slow
// client costs one piece of memory, and no thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/streams.h"

namespace nanogrid {

class StreamPump : public std::enable_shared_from_this<StreamPump> {
 public:
  explicit StreamPump(const StreamParts& parts) : parts_(parts) {}
  virtual ~StreamPump() = default;

  // Calls Open on the pool; keeps itself alive until the request has ended.
  void Start();

 protected:
  // On the pool. Begins the answer and answers OK, or answers an error; true: there was no need for
  // a stream, and the answer was sent.
  virtual Result<bool> Open() = 0;

  enum class Next {
    kAgain,  // there may be more at once
    kWait,   // for Wake
    kRest,   // a moment, then for Wake: what happens in it goes out together
    kEnd,    // that was all
  };
  struct Step {
    std::string bytes{};
    Next next = Next::kWait;
  };
  // On the pool, never two at once. An error cuts the stream.
  virtual Result<Step> Pump() = 0;

  // Something may have happened. Thread-safe.
  void Wake();
  // Wake after a while.
  void WakeAfter(Duration delay);
  // Wakes for every event of the job that `matters`, or of all jobs.
  void Subscribe(const std::string& job_id);
  // Called on the controller's thread; false: no reason to wake.
  virtual bool Matters(const JobEvent& event) = 0;

  Controller& controller() { return parts_.calls.controller(); }

  const StreamParts parts_;

 private:
  void Run();
  void Done(Next next);
  void Close();

  std::mutex mutex_{};
  bool busy_ = true;    // until Open has begun the answer
  bool woken_ = false;  // while busy
  bool ended_ = false;
  std::unique_ptr<Controller::Subscription> subscription_{};
};

}  // namespace nanogrid
