// The pool's thread: what happens to instances that nobody uses.
#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "engine/deadline.h"
#include "engine/instance_pool.h"
#include "engine/memory_pressure.h"

namespace nanogrid {
namespace {

constexpr Duration kMemoryPeriod = std::chrono::seconds(1);

}  // namespace

// Sleeps until something is due. While anything is idle it looks at the host's memory once a
// second; else it sleeps for good, until an instance becomes idle.
void InstancePool::Housekeep(const std::stop_token& stop) {
  TimePoint next_look = TimePoint::min();
  while (!stop.stop_requested()) {
    TimePoint next = DoChores();
    const TimePoint now = options_.clock->Now();
    if (now >= next_look && GetStats().idle > 0) {
      RelieveMemory();
      next_look = now + kMemoryPeriod;
    }
    std::unique_lock lock(mutex_);
    if (scheduler_.GetStats().idle > 0) next = std::min(next, next_look);
    housekeeper_wakes_ = next;
    const auto called = [this] { return housekeeper_called_; };
    if (next == TimePoint::max()) {
      housekeeping_.wait(lock, stop, called);
    } else {
      // By duration: the pool's clock need not be the machine's.
      housekeeping_.wait_for(lock, stop, next - options_.clock->Now(), called);
    }
    housekeeper_called_ = false;
  }
}

// Answers when the next ones are due.
TimePoint InstancePool::DoChores() {
  TimePoint next = TimePoint::max();
  const Chores chores = DueChores(next);
  for (const PooledPtr& pooled : chores.freeze) {
    // In use again: then it needs no freezing. Stopped meanwhile: gone.
    const std::unique_lock use(pooled->use, std::try_to_lock);
    if (!use || pooled->instance == nullptr) continue;
    const Status frozen = pooled->instance->Freeze();
    if (!frozen.ok()) options_.observer->OnError("freeze", frozen);
  }
  for (const PooledPtr& instance : chores.stop) Stop(instance, "keep-alive");
  return next;
}

InstancePool::Chores InstancePool::DueChores(TimePoint& next) {
  const std::lock_guard lock(mutex_);
  housekeeper_wakes_ = TimePoint::max();  // from here on, news must be told
  const Scheduler::Upkeep upkeep = scheduler_.Tick(options_.clock->Now());
  Chores chores;
  for (const InstanceId id : upkeep.freeze) {
    if (const auto found = idle_.find(id); found != idle_.end()) {
      chores.freeze.push_back(found->second);
    }
  }
  chores.stop = TakeIdle(upkeep.retire);
  next = upkeep.next;
  return chores;
}

void InstancePool::WakeHousekeeper(TimePoint due) {
  if (due >= housekeeper_wakes_) return;
  housekeeper_wakes_ = due;
  housekeeper_called_ = true;
  housekeeping_.notify_one();
}

void InstancePool::RelieveMemory() {
  const std::optional<uint64_t> available = AvailableMemory();
  if (!available || *available >= options_.min_available_memory) return;
  std::vector<PooledPtr> reclaimed;
  {
    const std::lock_guard lock(mutex_);
    reclaimed = TakeIdle(scheduler_.Reclaim((scheduler_.GetStats().idle + 1) / 2));
  }
  for (const PooledPtr& instance : reclaimed) Stop(instance, "memory pressure");
}

}  // namespace nanogrid
