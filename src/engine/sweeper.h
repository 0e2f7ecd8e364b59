// Looks after jobs whose time has come: lost ones go back into the queue, old ones go.
#pragma once

#include <functional>
#include <thread>

#include "nanogrid/controller.h"

namespace nanogrid {

class Sweeper {
 public:
  // `send` sends a job's message. What the arguments refer to outlives this object.
  Sweeper(const ControllerParts& parts, std::function<void(const Job&)> send);

 private:
  void Run(const std::stop_token& stop);
  // A controller that died may have created jobs that it did not send: the newest before this one
  // came.
  Status SendNewest(const Context& context);
  // Until nothing is due.
  Status Sweep(const Context& context);
  Status Handle(const Context& context, const Job& job, SystemTime now);

  const ControllerParts& parts_;
  const std::function<void(const Job&)> send_;
  const SystemTime began_;
  std::jthread thread_;  // last: uses the rest
};

}  // namespace nanogrid
