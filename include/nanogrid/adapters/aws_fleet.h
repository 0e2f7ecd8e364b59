// Workers on EC2: an Auto Scaling group, what an instance knows about itself, metrics.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "nanogrid/adapters/aws.h"
#include "nanogrid/autoscaler.h"

namespace nanogrid {

// An Auto Scaling group as the group that an autoscaler changes. A worker's name holds the id of
// its instance ("i-0123456789abcdef0"), so that a busy one is known; instances that are protected
// from scale-in stay as well. The sizes of the group itself hold: FailedPrecondition names the
// limit once it has gone as far as it may. NotFound: there is no such group.
struct AutoScalingOptions {
  AwsOptions aws{};
  std::string group{};
};
Result<std::unique_ptr<WorkerGroup>> MakeAutoScalingGroup(const AutoScalingOptions& options);

// The instance that this process runs on. Thread-safe.
class Ec2Instance {
 public:
  virtual ~Ec2Instance() = default;

  // Its id; asked for once. Unavailable: this is none, or its metadata are switched off.
  virtual Result<std::string> Id(const Context& context) = 0;
  // Why it will be gone within minutes: "spot: terminate at 2026-02-28T09:30:00Z", "scale-in".
  // Empty: nothing is known. Ask every few seconds.
  virtual Result<std::string> Notice(const Context& context) = 0;
  // Whether the group may choose it to shrink. Protect it before it takes a job.
  virtual Status Protect(const Context& context, bool from_scale_in) = 0;
};
// `options.group` may be empty if Protect is not called.
Result<std::unique_ptr<Ec2Instance>> MakeEc2Instance(const AutoScalingOptions& options);

struct Metric {
  std::string name{};  // "QueueDepth"
  double value = 0;
  std::string unit{};  // "Count", "Seconds", "Percent"; empty: none
  std::map<std::string, std::string> dimensions{};
  SystemTime time{};  // of the machine's clock if it is zero
};

struct CloudWatchOptions {
  AwsOptions aws{};
  std::string metrics_namespace = "NanoGrid";
};

// Thread-safe.
class CloudWatch {
 public:
  virtual ~CloudWatch() = default;
  // Sent in batches; not sent again where nobody knows whether they were taken: a gap is better
  // than a value that counts twice.
  virtual Status Put(const Context& context, std::span<const Metric> metrics) = 0;
};
Result<std::unique_ptr<CloudWatch>> MakeCloudWatch(const CloudWatchOptions& options = {});

}  // namespace nanogrid
