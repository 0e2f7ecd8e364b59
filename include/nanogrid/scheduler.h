// Which invocation goes next, on which instance, and when an idle instance is frozen or retired.
//
// A pure decision: no thread, no clock, no I/O. The engine holds a lock around it and carries out
// what it says; a simulator drives it just as well.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/context.h"

namespace nanogrid {

struct SchedulerOptions {
  uint32_t max_running = 0;                       // invocations at once, all functions; 0: no limit
  uint32_t max_idle = 64;                         // warm instances kept, all functions
  Duration keep_alive = std::chrono::minutes(5);  // idle time until an instance is retired
  Duration freeze_after = std::chrono::milliseconds(200);  // idle time until it is frozen
};

using InstanceId = uint64_t;
using Ticket = uint64_t;

// What an invocation that may run now runs on.
struct Placement {
  Ticket ticket = 0;
  std::optional<InstanceId> instance{};  // a warm one, now busy; none: start one
};

// Not thread-safe.
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options = {});
  ~Scheduler();

  // Asks to run an invocation of `function` (a version's unique key), at most `concurrency` of
  // which run at once (0: no limit). Answers a placement if it may run at once; else it waits its
  // turn: functions in turn, each first come, first served. A warm instance serves only the tenant
  // that it served before.
  struct Admission {
    Ticket ticket = 0;
    std::optional<Placement> placement{};
  };
  Admission Enqueue(std::string_view function, uint32_t concurrency, TimePoint now,
                    std::string_view tenant = {});
  // Takes a waiting invocation out. False if it was placed already (then Finish it).
  bool Withdraw(Ticket ticket);

  // The placed invocation has ended. `keep`: the instance that may serve the next one; none if it
  // is gone. Instances that must be stopped now because too many are idle are added to `retired`.
  // Answers what may run now because of it.
  std::vector<Placement> Finish(Ticket ticket, std::optional<InstanceId> keep, TimePoint now,
                                std::vector<InstanceId>& retired);

  // A placement's instance was found dead; the placed invocation needs another: a warm one (busy
  // now) or none (start one).
  std::optional<InstanceId> Replace(Ticket ticket);

  struct Upkeep {
    std::vector<InstanceId> freeze{};   // still idle and usable
    std::vector<InstanceId> retire{};   // no longer known here: stop them
    TimePoint next = TimePoint::max();  // when to ask again
  };
  // What is due at `now`.
  Upkeep Tick(TimePoint now);
  // Gives up `count` idle instances, those idle longest first (memory pressure).
  std::vector<InstanceId> Reclaim(size_t count);
  // Gives up all idle instances of a function that was removed; busy ones are not kept at Finish.
  std::vector<InstanceId> Forget(std::string_view function);

  struct Stats {
    size_t running = 0;
    size_t waiting = 0;
    size_t idle = 0;
  };
  Stats GetStats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nanogrid
