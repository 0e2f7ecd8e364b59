// Tells many subscribers what happens to jobs; one thread follows the store for all of them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nanogrid/controller.h"

namespace nanogrid {

// Thread-safe. Subscriptions may outlive it; they end with it.
class ControllerEvents {
 public:
  // Follows `jobs` from `cursor` on. The arguments outlive this object.
  ControllerEvents(JobStore& jobs, std::string cursor, Observer& observer);
  ~ControllerEvents();

  // As Controller::Subscribe.
  std::unique_ptr<Controller::Subscription> Subscribe(std::string_view job_id,
                                                      Controller::EventCallback callback);

 private:
  struct Subscriber;
  struct Subscribers;
  class Entry;

  void Follow(const std::stop_token& stop);

  JobStore& jobs_;
  Observer& observer_;
  const std::shared_ptr<Subscribers> subscribers_;
  std::string cursor_;
  std::jthread thread_;  // last: uses the rest
};

}  // namespace nanogrid
