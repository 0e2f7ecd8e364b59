#include "nanogrid/autoscaler.h"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/errors.h"
#include "engine/job_pause.h"
#include "engine/leadership.h"
#include "engine/service_time.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxListed = 1000;  // running jobs that are looked at for their workers
constexpr Duration kCallTimeout = std::chrono::seconds(30);

class PolicyAutoscaler final : public Autoscaler {
 public:
  explicit PolicyAutoscaler(AutoscalerParts parts)
      : parts_(std::move(parts)),
        leadership_(parts_.objects, "autoscaler/term.", parts_.options.every * 6),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  ScalingSample Latest() const override {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const Context context{.deadline = parts_.clock->Now() + kCallTimeout, .stop = stop};
      const Status status = Look(context);
      if (!status.ok() && !stop.stop_requested()) parts_.observer->OnError("scale", status);
      Pause(stop, parts_.options.every);
    }
  }

  Status Look(const Context& context) {
    ScalingSample sample;
    std::set<std::string> busy;
    NANOGRID_ASSIGN_OR_RETURN(sample.fleet, Fleet(context, busy));
    sample.busy_workers = static_cast<uint32_t>(busy.size());
    // Also where another one acts: a policy goes by what it has seen.
    sample.decision = parts_.policy->Decide(sample.fleet, parts_.clock->Now());
    NANOGRID_ASSIGN_OR_RETURN(sample.leads, leadership_.Leads(context, parts_.clock->WallNow()));
    Status resized;
    if (sample.leads && sample.decision.workers != sample.fleet.workers) {
      resized = parts_.group->Resize(context, sample.decision.workers, busy);
    }
    if (parts_.on_sample) parts_.on_sample(sample);
    const std::lock_guard lock(mutex_);
    latest_ = std::move(sample);
    return resized;
  }

  Result<FleetState> Fleet(const Context& context, std::set<std::string>& busy) {
    FleetState fleet{.slots = parts_.options.slots};
    NANOGRID_ASSIGN_OR_RETURN(const QueueDepth depth, parts_.queue->Depth(context));
    fleet.backlog = depth.visible;
    NANOGRID_ASSIGN_OR_RETURN(fleet.workers, parts_.group->Size(context));
    NANOGRID_ASSIGN_OR_RETURN(
        const JobPage running,
        parts_.jobs->List(context, {.state = JobState::kProcessing}, {}, kMaxListed));
    for (const Job& job : running.jobs) busy.insert(job.worker);
    const double slots = static_cast<double>(fleet.workers) * fleet.slots;
    if (slots > 0) {
      fleet.utilisation = std::min(1.0, static_cast<double>(running.jobs.size()) / slots);
    }
    NANOGRID_RETURN_IF_ERROR(service_time_.Update(context, *parts_.jobs));
    fleet.service_time = service_time_.mean();
    return fleet;
  }

  const AutoscalerParts parts_;
  Leadership leadership_;     // the thread's
  ServiceTime service_time_;  // the thread's
  mutable std::mutex mutex_;
  ScalingSample latest_;
  std::jthread thread_;  // last: uses the rest
};

Status Check(const AutoscalerParts& parts) {
  const auto check = [](std::string_view name, bool given) -> Status {
    if (given) return absl::OkStatus();
    return InvalidArgument("AutoscalerParts.{}: missing", name);
  };
  NANOGRID_RETURN_IF_ERROR(check("queue", parts.queue != nullptr));
  NANOGRID_RETURN_IF_ERROR(check("jobs", parts.jobs != nullptr));
  NANOGRID_RETURN_IF_ERROR(check("policy", parts.policy != nullptr));
  NANOGRID_RETURN_IF_ERROR(check("group", parts.group != nullptr));
  if (parts.options.every <= Duration(0)) {
    return InvalidArgument("AutoscalerOptions.every: must be positive");
  }
  if (parts.options.slots == 0)
    return InvalidArgument("AutoscalerOptions.slots: 0, must be 1 or more");
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<Autoscaler>> MakeAutoscaler(AutoscalerParts parts) {
  NANOGRID_RETURN_IF_ERROR(Check(parts));
  try {
    return std::make_unique<PolicyAutoscaler>(std::move(parts));
  } catch (const std::system_error& error) {  // no thread to be had
    return MakeError(absl::StatusCode::kResourceExhausted, "cannot start the autoscaler: {}",
                     error.what());
  }
}

}  // namespace nanogrid
