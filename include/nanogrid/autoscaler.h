// Keeps the number of workers where a scaling policy wants it.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "nanogrid/job_store.h"
#include "nanogrid/observer.h"
#include "nanogrid/queue.h"
#include "nanogrid/scaling.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Workers that can become more or fewer. Used by one thread at a time.
class WorkerGroup {
 public:
  virtual ~WorkerGroup() = default;

  // Running and starting ones; not those that were told to go.
  virtual Result<uint32_t> Size(const Context& context) = 0;
  // Starts workers, or lets idle ones go, until there are `size`. `busy`: names of those that run a
  // job, as job records have them; they stay, even if there are more than `size` then.
  virtual Status Resize(const Context& context, uint32_t size,
                        const std::set<std::string>& busy) = 0;
};

// What the autoscaler saw last, and what came of it.
struct ScalingSample {
  FleetState fleet{};
  uint32_t busy_workers = 0;
  ScalingDecision decision{};
  bool leads = false;  // this autoscaler is the one that acts
};

struct AutoscalerOptions {
  Duration every = std::chrono::seconds(10);
  uint32_t slots = 1;  // jobs that one worker runs at once
};

struct AutoscalerParts {
  std::shared_ptr<Queue> queue{};
  std::shared_ptr<JobStore> jobs{};
  // Where several autoscalers of one fleet agree on which of them acts; null: this is the only one.
  std::shared_ptr<ObjectStore> objects{};
  std::shared_ptr<ScalingPolicy> policy{};
  std::shared_ptr<WorkerGroup> group{};
  AutoscalerOptions options{};
  // Called after each look, on the autoscaler's thread; for metrics.
  std::function<void(const ScalingSample&)> on_sample{};
  const Clock* clock = &Clock::System();   // outlives the autoscaler
  Observer* observer = &Observer::None();  // outlives the autoscaler
};

// Works from construction on, on a thread of its own, until it is destroyed; workers stay. Errors
// of the parts go to the observer, and nothing is changed for as long as they last. Thread-safe.
class Autoscaler {
 public:
  virtual ~Autoscaler() = default;
  virtual ScalingSample Latest() const = 0;
};

// InvalidArgument names the missing or wrong part.
Result<std::unique_ptr<Autoscaler>> MakeAutoscaler(AutoscalerParts parts);

}  // namespace nanogrid
