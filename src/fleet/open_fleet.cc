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

// What a worker runs on, if it may be taken away.
struct Machine {
  std::unique_ptr<Ec2Instance> instance{};          // null: nobody is to be asked
  std::unique_ptr<ScaleInProtection> protection{};  // null: nobody chooses
};

class OpenedFleet final : public Fleet {
 public:
  OpenedFleet(UniqueFd lock, Machine machine, FleetParts stores, ServiceParts parts,
              uint64_t max_backlog, std::unique_ptr<Autoscaler> scaler, Observer& observer)
      : lock_(std::move(lock)),
        machine_(std::move(machine)),
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

  // Of a worker whose machine may be taken away. Once.
  void Watch(std::function<void(const std::string&)> leave, Observer& observer) {
    InstanceWatchParts parts{
        .protection = machine_.protection.get(), .leave = std::move(leave), .observer = &observer};
    parts.notice = [this](const Context& context) { return machine_.instance->Notice(context); };
    parts.busy = [this] { return worker_->GetStats().busy > 0; };
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
  const Machine machine_;  // the worker asks it
  const FleetParts stores_;
  const std::shared_ptr<Engine> engine_;
  HealthProbes health_;
  std::unique_ptr<BacklogGate> controller_;
  const std::unique_ptr<Worker> worker_;
  const std::unique_ptr<Autoscaler> scaler_;
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

// A worker without a name gets one with the instance's id, by which an Auto Scaling group knows
// that it is busy.
Result<Machine> FindMachine(const FleetConfig& config, FleetProgram program,
                            WorkerOptions& worker) {
  Machine machine;
  if (config.notice != "aws" || program != FleetProgram::kWorker) return machine;
  NANOGRID_ASSIGN_OR_RETURN(machine.instance, MakeEc2Instance({.group = config.scaling.asg_name}));
  const Result<std::string> id = machine.instance->Id(Context::WithTimeout(kInstanceTimeout));
  if (!id.ok()) {
    return Status(id.status().code(),
                  fmt::format("notice aws: {}", std::string(id.status().message())));
  }
  if (worker.name.empty()) worker.name = fmt::format("{}-{}", *id, ::getpid());
  if (config.scaling.asg_name.empty()) return machine;
  ScaleInProtectionParts parts;
  parts.protect = [instance = machine.instance.get()](const Context& context, bool from_scale_in) {
    return instance->Protect(context, from_scale_in);
  };
  machine.protection = std::make_unique<ScaleInProtection>(std::move(parts));
  worker.may_begin = [protection = machine.protection.get()](const Context& context) {
    return protection->Hold(context);
  };
  return machine;
}

}  // namespace

Result<std::unique_ptr<Fleet>> OpenFleet(const FleetConfig& config, const FleetOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd lock, PrepareData(config, options.program));
  NANOGRID_ASSIGN_OR_RETURN(FleetParts stores, OpenFleetParts(config));
  ServiceOptions service{.local = options.local};
  service.worker.name = config.name;
  NANOGRID_ASSIGN_OR_RETURN(Machine machine, FindMachine(config, options.program, service.worker));
  const bool is_watched = machine.instance != nullptr && options.on_notice;
  service.controller.retention = config.retention;
  service.controller.max_event = config.max_body;
  service.worker.slots = config.slots;
  service.worker.lease = config.lease;
  // Each extension is a call that costs; who dies is noticed by the records' leases.
  if (config.queue.starts_with("sqs:")) service.worker.message_lease = kCostlyLease;
  // What only a record has is in no second cloud.
  if (stores.mirror != nullptr) service.worker.max_inline_result = 0;
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
  auto fleet = std::make_unique<OpenedFleet>(std::move(lock), std::move(machine), std::move(stores),
                                             std::move(parts), config.max_backlog,
                                             std::move(scaler), observer);
  if (is_watched) fleet->Watch(options.on_notice, observer);
  return fleet;
}

}  // namespace nanogrid
