// Runs invocations on instances: waits for its turn, reuses what is warm, starts what is missing.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/deployments.h"
#include "nanogrid/engine.h"

namespace nanogrid {

// Thread-safe. One lock around the scheduler's decisions; it is never held while an instance is
// started, used, frozen or stopped, nor while the observer is told.
class InstancePool {
 public:
  struct Options {
    SchedulerOptions scheduler{};
    uint64_t min_available_memory = 0;
    const Clock* clock = &Clock::System();
    Observer* observer = &Observer::None();
  };
  explicit InstancePool(const Options& options);
  // No Run may be in progress. Stops all instances.
  ~InstancePool();

  // As Engine::Invoke, with everything found and checked.
  Result<Outcome> Run(const Context& context, const std::shared_ptr<Deployment>& deployment,
                      std::string_view tenant, const Invocation& invocation, LogSink& log);
  // Stops the idle instances of functions that were removed.
  void Forget(const std::vector<std::shared_ptr<Deployment>>& deployments);
  Scheduler::Stats GetStats() const;

 private:
  struct Pooled {
    InstanceId id = 0;
    std::shared_ptr<Deployment> deployment;
    std::mutex use;  // held while invoking or freezing, so that no freeze hits an invocation
    std::unique_ptr<Instance> instance;
  };
  using PooledPtr = std::shared_ptr<Pooled>;
  // What the steps of one invocation need.
  struct Call {
    const Context& context;
    const std::shared_ptr<Deployment>& deployment;
    std::string_view tenant;  // empty, unless the function keeps tenants apart
    const Invocation& invocation;
    LogSink& log;
  };
  // An invocation that waits its turn, on the waiting thread's stack.
  struct Waiter {
    std::condition_variable_any placed;
    std::optional<Placement> placement;
  };
  // What to do once the lock is released.
  struct Chores {
    std::vector<PooledPtr> freeze;
    std::vector<PooledPtr> stop;
  };

  Result<Placement> Admit(const Call& call);
  Result<Outcome> RunPlaced(const Call& call, Ticket ticket, PooledPtr& instance);
  Result<PooledPtr> Start(const Call& call);
  PooledPtr Replace(Ticket ticket);
  void Finish(Ticket ticket, PooledPtr keep);
  void Stop(const PooledPtr& instance, std::string_view reason);

  // With the lock held.
  PooledPtr TakeIdle(InstanceId id);
  std::vector<PooledPtr> TakeIdle(const std::vector<InstanceId>& ids);
  void FinishLocked(Ticket ticket, std::optional<InstanceId> keep, std::vector<PooledPtr>& stopped);
  void WakeHousekeeper(TimePoint due);

  // The thread that freezes and retires what is idle.
  void Housekeep(const std::stop_token& stop);
  TimePoint DoChores();
  Chores DueChores(TimePoint& next);
  void RelieveMemory();

  const Options options_;
  mutable std::mutex mutex_;
  Scheduler scheduler_;
  InstanceId last_id_ = 0;
  std::unordered_map<InstanceId, PooledPtr> idle_;
  std::unordered_map<Ticket, Waiter*> waiting_;
  std::condition_variable_any housekeeping_;
  TimePoint housekeeper_wakes_ = TimePoint::max();
  bool housekeeper_called_ = false;
  std::jthread housekeeper_;  // last: it uses all of the above
};

}  // namespace nanogrid
