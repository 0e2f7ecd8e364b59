// Looks after jobs whose time has come: lost ones go back into the queue, old ones go.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <unordered_map>

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
  Status SweepAll(const Context& context);
  Status Handle(const Context& context, const Job& job, SystemTime now);
  // Whether the job's worker has not been heard of for long enough, by this machine's own time.
  bool IsSilent(const Job& job);

  // A running job whose lease was over when it was looked at, since when.
  struct Overdue {
    uint32_t attempt;
    SystemTime due;
    TimePoint since;
  };

  const ControllerParts& parts_;
  const std::function<void(const Job&)> send_;
  const SystemTime began_;
  std::unordered_map<std::string, Overdue> overdue_, still_overdue_;  // of the last sweep, of this
  std::jthread thread_;                                               // last: uses the rest
};

}  // namespace nanogrid
