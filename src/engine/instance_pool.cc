#include "engine/instance_pool.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "engine/deadline.h"

namespace nanogrid {
namespace {

// A fresh instance that is dead before it saw the event hints at a host in trouble; a few tries
// bridge an instance killed from outside.
constexpr int kMaxDeadStarts = 3;

// Passes result files on, and knows whether there were any: the function has run then, and must not
// run again, whatever the sink answered.
class WatchedSink final : public FileSink {
 public:
  explicit WatchedSink(FileSink* sink) : sink_(sink) {}

  bool used() const { return used_; }
  Status Begin(std::string_view path, uint64_t size) override {
    used_ = true;
    return sink_->Begin(path, size);
  }
  Status Write(std::string_view bytes) override { return sink_->Write(bytes); }
  Status End() override { return sink_->End(); }

 private:
  FileSink* const sink_;
  bool used_ = false;
};

}  // namespace

InstancePool::InstancePool(const Options& options)
    : options_(options),
      scheduler_(options.scheduler),
      housekeeper_([this](const std::stop_token& stop) { Housekeep(stop); }) {}

InstancePool::~InstancePool() {
  housekeeper_.request_stop();
  housekeeper_.join();
  for (const auto& [id, instance] : idle_) Stop(instance, "shutdown");
}

Scheduler::Stats InstancePool::GetStats() const {
  const std::lock_guard lock(mutex_);
  return scheduler_.GetStats();
}

Result<Outcome> InstancePool::Run(const Context& context,
                                  const std::shared_ptr<Deployment>& deployment,
                                  std::string_view tenant, const Invocation& invocation,
                                  LogSink& log) {
  // Whose call it is matters only to functions that keep tenants apart: others share instances.
  const Call call{context, deployment, deployment->per_tenant ? tenant : "", invocation, log};
  NANOGRID_ASSIGN_OR_RETURN(const Placement placement, Admit(call));
  PooledPtr instance;
  if (placement.instance) {
    const std::lock_guard lock(mutex_);
    instance = TakeIdle(*placement.instance);
  }
  Result<Outcome> outcome = RunPlaced(call, placement.ticket, instance);
  Finish(placement.ticket, std::move(instance));
  return outcome;
}

Result<Placement> InstancePool::Admit(const Call& call) {
  const Context& context = call.context;
  const Deployment& deployment = *call.deployment;
  NANOGRID_RETURN_IF_ERROR(context.Check(options_.clock->Now()));
  std::unique_lock lock(mutex_);
  Scheduler::Admission admission = scheduler_.Enqueue(deployment.key, deployment.concurrency,
                                                      options_.clock->Now(), call.tenant);
  if (admission.placement) return *admission.placement;

  Waiter waiter;
  waiting_.emplace(admission.ticket, &waiter);
  const auto placed = [&] { return waiter.placement.has_value(); };
  if (context.deadline == TimePoint::max()) {
    waiter.placed.wait(lock, context.stop, placed);
  } else {
    waiter.placed.wait_until(lock, context.stop, context.deadline, placed);
  }
  if (waiter.placement) return *waiter.placement;
  waiting_.erase(admission.ticket);
  scheduler_.Withdraw(admission.ticket);
  if (context.stop.stop_requested()) {
    return absl::CancelledError("cancelled while waiting for the concurrency limit");
  }
  return absl::DeadlineExceededError("the deadline passed while waiting for the concurrency limit");
}

// On return `instance` is the one to keep, or none.
Result<Outcome> InstancePool::RunPlaced(const Call& call, Ticket ticket, PooledPtr& instance) {
  const FunctionPackage& package = call.deployment->package;
  WatchedSink files(call.invocation.files);
  Invocation invocation = call.invocation;
  if (invocation.files != nullptr) invocation.files = &files;
  for (int dead_starts = 0;;) {
    const bool cold = instance == nullptr;
    if (cold) {
      NANOGRID_ASSIGN_OR_RETURN(instance, Start(call));
    }
    Context bounded = call.context;
    if (package.limits.timeout) {
      bounded.deadline = std::min(bounded.deadline,
                                  After(std::chrono::steady_clock::now(), *package.limits.timeout));
    }
    Result<Outcome> outcome = [&] {
      const std::lock_guard use(instance->use);
      return instance->instance->Invoke(bounded, invocation, call.log);
    }();
    if (outcome.ok()) {
      outcome->start = cold ? StartKind::kCold : StartKind::kWarm;
      if (call.deployment->fresh || !instance->instance->Reusable())
        Stop(std::exchange(instance, nullptr), "ended");
      return outcome;
    }
    Stop(std::exchange(instance, nullptr), "ended");
    if (!absl::IsUnavailable(outcome.status()) || files.used()) return outcome;
    if (cold && ++dead_starts == kMaxDeadStarts) return outcome;
    instance = Replace(ticket);
  }
}

Result<InstancePool::PooledPtr> InstancePool::Start(const Call& call) {
  FunctionPackage of_tenant;
  const FunctionPackage* package = &call.deployment->package;
  if (!call.tenant.empty()) {
    of_tenant = *package;
    of_tenant.tenant = call.tenant;
    package = &of_tenant;
  }
  const TimePoint begin = options_.clock->Now();
  auto made = std::make_shared<Pooled>();
  made->deployment = call.deployment;
  NANOGRID_ASSIGN_OR_RETURN(made->instance,
                            call.deployment->sandbox->Start(call.context, *package));
  options_.observer->OnInstanceStart(package->name, package->version,
                                     options_.clock->Now() - begin);
  const std::lock_guard lock(mutex_);
  made->id = ++last_id_;
  return made;
}

InstancePool::PooledPtr InstancePool::Replace(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const std::optional<InstanceId> warm = scheduler_.Replace(ticket);
  return warm ? TakeIdle(*warm) : nullptr;
}

void InstancePool::Finish(Ticket ticket, PooledPtr keep) {
  PooledPtr stop_as_removed;
  std::vector<PooledPtr> stop_as_surplus;
  {
    const std::lock_guard lock(mutex_);
    std::optional<InstanceId> kept;
    if (keep != nullptr && keep->deployment->removed) {
      stop_as_removed = std::move(keep);
    } else if (keep != nullptr) {
      kept = keep->id;
      idle_.emplace(*kept, std::move(keep));
    }
    FinishLocked(ticket, kept, stop_as_surplus);
  }
  if (stop_as_removed != nullptr) Stop(stop_as_removed, "removed");
  for (const PooledPtr& instance : stop_as_surplus) Stop(instance, "surplus");
}

void InstancePool::FinishLocked(Ticket ticket, std::optional<InstanceId> keep,
                                std::vector<PooledPtr>& stopped) {
  const TimePoint now = options_.clock->Now();
  std::vector<InstanceId> retired;
  for (const Placement& placement : scheduler_.Finish(ticket, keep, now, retired)) {
    const auto waiter = waiting_.extract(placement.ticket);
    waiter.mapped()->placement = placement;
    waiter.mapped()->placed.notify_one();
  }
  stopped = TakeIdle(retired);
  if (keep) {
    WakeHousekeeper(
        After(now, std::min(options_.scheduler.freeze_after, options_.scheduler.keep_alive)));
  }
}

InstancePool::PooledPtr InstancePool::TakeIdle(InstanceId id) {
  auto node = idle_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

std::vector<InstancePool::PooledPtr> InstancePool::TakeIdle(const std::vector<InstanceId>& ids) {
  std::vector<PooledPtr> taken;
  for (const InstanceId id : ids) {
    if (PooledPtr instance = TakeIdle(id)) taken.push_back(std::move(instance));
  }
  return taken;
}

void InstancePool::Stop(const PooledPtr& instance, std::string_view reason) {
  // Keeps the name alive; the housekeeper may still hold the instance, so it ends here by hand.
  const std::shared_ptr<Deployment> deployment = instance->deployment;
  {
    const std::lock_guard use(instance->use);
    instance->instance.reset();
  }
  options_.observer->OnInstanceStop(deployment->package.name, deployment->package.version, reason);
}

void InstancePool::Forget(const std::vector<std::shared_ptr<Deployment>>& deployments) {
  std::vector<PooledPtr> stopped;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& deployment : deployments) {
      for (PooledPtr& instance : TakeIdle(scheduler_.Forget(deployment->key))) {
        stopped.push_back(std::move(instance));
      }
    }
  }
  for (const PooledPtr& instance : stopped) Stop(instance, "removed");
}

}  // namespace nanogrid
