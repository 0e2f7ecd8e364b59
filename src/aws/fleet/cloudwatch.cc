#include <algorithm>
#include <cmath>

#include "aws/fleet/auto_scaling.h"
#include "aws/session.h"
#include "core/errors.h"
#include "nanogrid/records_json.h"

namespace nanogrid {
namespace aws {
namespace {

constexpr size_t kBatch = 100;
constexpr size_t kMaxDimensions = 30;

Status CheckMetric(const Metric& metric) {
  if (metric.name.empty() || metric.name.size() > 255) {
    return InvalidArgument("metric '{}': a name has 1 to 255 characters", metric.name);
  }
  if (!std::isfinite(metric.value)) {
    return InvalidArgument("metric '{}': value {} is no number", metric.name, metric.value);
  }
  if (metric.dimensions.size() > kMaxDimensions) {
    return InvalidArgument("metric '{}': {} dimensions; at most {}", metric.name,
                           metric.dimensions.size(), kMaxDimensions);
  }
  return absl::OkStatus();
}

void AddMetric(const Metric& metric, SystemTime now, size_t number, QueryParameters& parameters) {
  const std::string prefix = fmt::format("MetricData.member.{}.", number);
  const auto add = [&](const std::string& name, std::string value) {
    parameters.emplace_back(prefix + name, std::move(value));
  };
  add("MetricName", metric.name);
  add("Value", fmt::format("{}", metric.value));
  add("Timestamp", FormatTime(metric.time == SystemTime() ? now : metric.time));
  if (!metric.unit.empty()) add("Unit", metric.unit);
  size_t dimension = 0;
  for (const auto& [name, value] : metric.dimensions) {
    const std::string place = fmt::format("Dimensions.member.{}.", ++dimension);
    add(place + "Name", name);
    add(place + "Value", value);
  }
}

class Metrics final : public CloudWatch {
 public:
  Metrics(std::shared_ptr<Session> session, std::unique_ptr<Client> client, std::string name)
      : session_(std::move(session)), client_(std::move(client)), namespace_(std::move(name)) {}

  Status Put(const Context& context, std::span<const Metric> metrics) override {
    for (const Metric& each : metrics) NANOGRID_RETURN_IF_ERROR(CheckMetric(each));
    while (!metrics.empty()) {
      const auto batch = metrics.first(std::min(kBatch, metrics.size()));
      QueryParameters parameters{{"Namespace", namespace_}};
      for (size_t i = 0; i < batch.size(); ++i) {
        AddMetric(batch[i], session_->clock().WallNow(), i + 1, parameters);
      }
      NANOGRID_RETURN_IF_ERROR(
          client_->Query(context, "PutMetricData", parameters, {.repeatable = false}).status());
      metrics = metrics.subspan(batch.size());
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Session> session_;
  const std::unique_ptr<Client> client_;
  const std::string namespace_;
};

}  // namespace

Result<std::unique_ptr<CloudWatch>> OpenCloudWatch(Session& session,
                                                   const CloudWatchOptions& options) {
  if (options.metrics_namespace.empty() || options.metrics_namespace.starts_with("AWS/")) {
    return InvalidArgument("metrics_namespace '{}': must not be empty or AWS's own",
                           options.metrics_namespace);
  }
  NANOGRID_ASSIGN_OR_RETURN(
      auto client, Client::Make(Context{}, session, kCloudWatch,
                                {.region = options.aws.region, .endpoint = options.aws.endpoint}));
  return std::make_unique<Metrics>(session.shared_from_this(), std::move(client),
                                   options.metrics_namespace);
}

}  // namespace aws

Result<std::unique_ptr<CloudWatch>> MakeCloudWatch(const CloudWatchOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenCloudWatch(*session, options);
}

}  // namespace nanogrid
