#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "core/errors.h"
#include "fleet/backlog_gate.h"
#include "fleet/fleet_health.h"
#include "fleet/fleet_scaling.h"
#include "fleet/instance_watch.h"
#include "fleet/open_mirror.h"
#include "local/service_parts.h"
#include "nanogrid/adapters/aws_fleet.h"
#include "nanogrid/adapters/fleet.h"

namespace nanogrid {
namespace {

constexpr Duration kFlushTimeout = std::chrono::seconds(20);
constexpr Duration kInstanceTimeout = std::chrono::seconds(10);
constexpr Duration kCostlyLease = std::chrono::minutes(5);

class OpenedFleet final : public Fleet {
 public:
  OpenedFleet(UniqueFd lock, FleetParts stores, ServiceParts parts, uint64_t max_backlog,
              std::unique_ptr<Autoscaler> scaler, Observer& observer)
      : lock_(std::move(lock)),
        stores_(std::move(stores)),
        engine_(std::move(parts.engine)),
        health_(FleetProbes(stores_), {.observer = &observer}),
        worker_(std::move(parts.worker)),
        scaler_(std::move(scaler)) {
    if (parts.controller != nullptr) {
      controller_ = std::make_unique<BacklogGate>(std::move(parts.controller), max_backlog);
    }
  }
  ~OpenedFleet() override {
    std::stop_source now;
    now.request_stop();
    Stop(Context::WithStop(now.get_token()));
  }

  // The machine of a worker that may be taken away. Once.
  void Watch(std::unique_ptr<Ec2Instance> instance, const FleetConfig& config,
             std::function<void(const std::string&)> leave, Observer& observer) {
    instance_ = std::move(instance);
    InstanceWatchParts parts{.leave = std::move(leave), .observer = &observer};
    parts.notice = [this](const Context& context) { return instance_->Notice(context); };
    parts.busy = [this] { return worker_->GetStats().busy > 0; };
    if (!config.scaling.asg_name.empty()) {
      parts.protect = [this](const Context& context, bool from_scale_in) {
        return instance_->Protect(context, from_scale_in);
      };
    }
    watch_ = std::make_unique<InstanceWatch>(std::move(parts));
  }

  Controller* controller() override { return controller_.get(); }
  Worker* worker() override { return worker_.get(); }
  Engine& engine() override { return *engine_; }
  Health& health() override { return health_; }

  void AppendMetrics(std::string& text) const override {
    if (stores_.mirror != nullptr) AppendMirrorMetrics(stores_.mirror->stats(), text);
    if (controller_ == nullptr) return;
    fmt::format_to(std::back_inserter(text),
                   "# HELP nanogrid_jobs_refused_total Submits refused because of max_backlog.\n"
                   "# TYPE nanogrid_jobs_refused_total counter\n"
                   "nanogrid_jobs_refused_total {}\n",
                   controller_->refused());
    if (scaler_ != nullptr) AppendScalingMetrics(scaler_->Latest(), text);
  }

  void Stop(const Context& context) override {
    health_.SetEnding();
    if (worker_ != nullptr) worker_->Stop(context);
    // What is not copied by then stays in the outbox for the next process.
    if (stores_.mirror != nullptr) {
      Context flush = Context::WithTimeout(kFlushTimeout);
      flush.deadline = std::min(flush.deadline, context.deadline);
      flush.stop = context.stop;
      stores_.mirror->Flush(flush).IgnoreError();
    }
  }

 private:
  const UniqueFd lock_;
  const FleetParts stores_;
  const std::shared_ptr<Engine> engine_;
  HealthProbes health_;
  std::unique_ptr<BacklogGate> controller_;
  const std::unique_ptr<Worker> worker_;
  const std::unique_ptr<Autoscaler> scaler_;
  std::unique_ptr<Ec2Instance> instance_{};
  std::unique_ptr<InstanceWatch> watch_{};  // goes first
};

Result<UniqueFd> PrepareData(const FleetConfig& config, FleetProgram program) {
  if (!config.UsesData()) return UniqueFd();
  if (config.sources.find("data") == config.sources.end()) {  // below $HOME
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(config.data).parent_path(), ignored);
  }
  NANOGRID_RETURN_IF_ERROR(MakeDataDirectory(config.data));
  if (program == FleetProgram::kWorker) return UniqueFd();
  return LockDataDirectory(config.data);
}

// Null if nobody is to be asked. A worker without a name gets one with the instance's id, by which
// an Auto Scaling group knows that it is busy.
Result<std::unique_ptr<Ec2Instance>> FindInstance(const FleetConfig& config, FleetProgram program,
                                                  std::string& name) {
  if (config.notice != "aws" || program != FleetProgram::kWorker) return nullptr;
  NANOGRID_ASSIGN_OR_RETURN(auto instance, MakeEc2Instance({.group = config.scaling.asg_name}));
  const Result<std::string> id = instance->Id(Context::WithTimeout(kInstanceTimeout));
  if (!id.ok()) {
    return Status(id.status().code(),
                  fmt::format("notice aws: {}", std::string(id.status().message())));
  }
  if (name.empty()) name = fmt::format("{}-{}", *id, ::getpid());
  return instance;
}

}  // namespace

Result<std::unique_ptr<Fleet>> OpenFleet(const FleetConfig& config, const FleetOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd lock, PrepareData(config, options.program));
  NANOGRID_ASSIGN_OR_RETURN(FleetParts stores, OpenFleetParts(config));
  ServiceOptions service{.local = options.local};
  service.worker.name = config.name;
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<Ec2Instance> instance,
                            FindInstance(config, options.program, service.worker.name));
  service.controller.retention = config.retention;
  service.controller.max_event = config.max_body;
  service.worker.slots = config.slots;
  service.worker.lease = config.lease;
  // Each extension is a call that costs; who dies is noticed by the records' leases.
  if (config.queue.starts_with("sqs:")) service.worker.message_lease = kCostlyLease;
  service.local.package_dir = config.packages;
  if (!config.ai_endpoint.empty()) service.local.network_env["AI_ENDPOINT"] = config.ai_endpoint;
  const ServiceWants wants{.controller = options.program != FleetProgram::kWorker,
                           .worker = options.program != FleetProgram::kController || config.worker};
  NANOGRID_ASSIGN_OR_RETURN(ServiceParts parts,
                            MakeServiceParts({.queue = stores.queue,
                                              .jobs = stores.jobs,
                                              .catalog = stores.catalog,
                                              .objects = stores.objects,
                                              .dead_letters = stores.dead_letters,
                                              .foreign_code = stores.objects},
                                             wants, service));
  std::unique_ptr<Autoscaler> scaler;
  if (wants.controller) {
    NANOGRID_ASSIGN_OR_RETURN(scaler, MakeFleetScaling(config, stores, *options.local.observer));
  }
  Observer& observer = *options.local.observer;
  auto fleet = std::make_unique<OpenedFleet>(std::move(lock), std::move(stores), std::move(parts),
                                             config.max_backlog, std::move(scaler), observer);
  if (instance != nullptr && options.on_notice) {
    fleet->Watch(std::move(instance), config, options.on_notice, observer);
  }
  return fleet;
}

}  // namespace nanogrid
