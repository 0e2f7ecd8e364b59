#include "fleet/fleet_scaling.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>

#include "core/errors.h"
#include "core/private_directory.h"
#include "fleet/process_group.h"
#include "nanogrid/adapters/aws_fleet.h"

namespace nanogrid {
namespace {

constexpr Duration kPublishTimeout = std::chrono::seconds(5);

Result<std::shared_ptr<ScalingPolicy>> MakePolicy(const FleetScaling& scaling) {
  if (scaling.policy == "backlog") {
    NANOGRID_ASSIGN_OR_RETURN(
        std::shared_ptr<ScalingPolicy> policy,
        MakeBacklogScaling({.bounds = scaling.bounds,
                            .target_delay = scaling.target_delay,
                            .target_utilisation = scaling.target_utilisation}));
    return policy;
  }
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<ScalingPolicy> policy,
                            MakeStepScaling({.bounds = scaling.bounds,
                                             .scale_out_backlog = scaling.scale_out_backlog,
                                             .scale_in_after = scaling.scale_in_after}));
  return policy;
}

// Worker processes with this controller's settings, and the file that has them.
class LocalWorkers final : public WorkerGroup {
 public:
  LocalWorkers(ScratchDirectory directory, ProcessGroupOptions options)
      : directory_(std::move(directory)), group_(MakeProcessGroup(std::move(options))) {}

  Result<uint32_t> Size(const Context& context) override { return group_->Size(context); }
  Status Resize(const Context& context, uint32_t size, const std::set<std::string>& busy) override {
    return group_->Resize(context, size, busy);
  }

 private:
  const ScratchDirectory directory_;
  const std::unique_ptr<WorkerGroup> group_;
};

// The program that is installed beside this one.
Result<std::string> WorkerProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoError(error.value(), "/proc/self/exe");
  std::string program = self.parent_path() / "nanogrid-worker";
  if (::access(program.c_str(), X_OK) == 0) return program;
  return ErrnoError(errno, "scaling.group process: " + program);
}

std::string NamePrefix() {
  char host[128] = "localhost";
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return fmt::format("{}-{}-worker-", host, ::getpid());
}

Result<std::shared_ptr<WorkerGroup>> MakeLocalWorkers(const FleetConfig& config) {
  NANOGRID_ASSIGN_OR_RETURN(std::string program, WorkerProgram());
  NANOGRID_ASSIGN_OR_RETURN(ScratchDirectory directory, MakePrivateDirectory());
  const std::string file = directory.path() + "/fleet.toml";
  std::ofstream out(file);
  out << FleetConfigToml(config);
  out.close();
  if (!out) return ErrnoError(EIO, "write " + file);
  ProcessGroupOptions options{
      .program = std::move(program),
      .arguments = {"--config", file, "--data", config.data, "--status-listen", ""},
      .name_prefix = NamePrefix()};
  return std::make_shared<LocalWorkers>(std::move(directory), std::move(options));
}

Result<std::shared_ptr<WorkerGroup>> MakeGroup(const FleetConfig& config) {
  if (config.scaling.group == "process") return MakeLocalWorkers(config);
  if (config.scaling.asg_name.empty()) {
    return InvalidArgument("scaling.asg_name: missing; scaling.group asg needs the group's name");
  }
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<WorkerGroup> group,
                            MakeAutoScalingGroup({.group = config.scaling.asg_name}));
  return group;
}

// Publishes each sample of the autoscaler that acts.
Result<std::function<void(const ScalingSample&)>> MakePublisher(const FleetConfig& config,
                                                                Observer& observer) {
  if (config.metrics_namespace.empty()) return nullptr;
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<CloudWatch> metrics,
                            MakeCloudWatch({.metrics_namespace = config.metrics_namespace}));
  return [metrics, &observer](const ScalingSample& sample) {
    if (!sample.leads) return;
    const Metric values[] = {
        {.name = "QueueDepth", .value = static_cast<double>(sample.fleet.backlog), .unit = "Count"},
        {.name = "Workers", .value = static_cast<double>(sample.fleet.workers), .unit = "Count"},
        {.name = "WantedWorkers",
         .value = static_cast<double>(sample.decision.workers),
         .unit = "Count"},
        {.name = "BusyWorkers", .value = static_cast<double>(sample.busy_workers), .unit = "Count"},
        {.name = "Utilisation", .value = sample.fleet.utilisation * 100, .unit = "Percent"},
        {.name = "ServiceTime",
         .value = std::chrono::duration<double>(sample.fleet.service_time).count(),
         .unit = "Seconds"},
    };
    const Status put = metrics->Put(Context::WithTimeout(kPublishTimeout), values);
    if (!put.ok()) observer.OnError("publish metrics", put);
  };
}

}  // namespace

Result<std::unique_ptr<Autoscaler>> MakeFleetScaling(const FleetConfig& config,
                                                     const FleetParts& parts, Observer& observer) {
  if (config.scaling.group == "none") {
    if (config.metrics_namespace.empty()) return nullptr;
    return InvalidArgument(
        "metrics_namespace: the autoscaler publishes metrics, and scaling.group is none");
  }
  AutoscalerParts scaler{
      .queue = parts.queue, .jobs = parts.jobs, .objects = parts.objects, .observer = &observer};
  NANOGRID_ASSIGN_OR_RETURN(scaler.policy, MakePolicy(config.scaling));
  NANOGRID_ASSIGN_OR_RETURN(scaler.group, MakeGroup(config));
  NANOGRID_ASSIGN_OR_RETURN(scaler.on_sample, MakePublisher(config, observer));
  scaler.options.slots =
      config.slots != 0 ? config.slots : std::max(1u, std::thread::hardware_concurrency());
  return MakeAutoscaler(std::move(scaler));
}

void AppendScalingMetrics(const ScalingSample& sample, std::string& text) {
  fmt::format_to(
      std::back_inserter(text),
      "# HELP nanogrid_scaling_workers Workers of the group, and how many the policy wants.\n"
      "# TYPE nanogrid_scaling_workers gauge\n"
      "nanogrid_scaling_workers{{state=\"present\"}} {}\n"
      "nanogrid_scaling_workers{{state=\"wanted\"}} {}\n"
      "nanogrid_scaling_workers{{state=\"busy\"}} {}\n"
      "# HELP nanogrid_scaling_utilisation Busy share of all slots.\n"
      "# TYPE nanogrid_scaling_utilisation gauge\n"
      "nanogrid_scaling_utilisation {}\n"
      "# HELP nanogrid_scaling_leads Whether this controller is the one that acts.\n"
      "# TYPE nanogrid_scaling_leads gauge\n"
      "nanogrid_scaling_leads {}\n",
      sample.fleet.workers, sample.decision.workers, sample.busy_workers, sample.fleet.utilisation,
      sample.leads ? 1 : 0);
}

}  // namespace nanogrid
