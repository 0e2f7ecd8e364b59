// The Auto Scaling API, as far as it is needed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/client.h"
#include "nanogrid/adapters/aws_fleet.h"

namespace nanogrid::aws {

struct GroupInstance {
  std::string id{};
  std::string state{};  // "InService", "Pending", "Terminating:Wait", …
  bool is_protected = false;
};
struct GroupDescription {
  uint32_t least = 0;
  uint32_t most = 0;
  uint32_t desired = 0;
  std::vector<GroupInstance> instances{};
};

// Of DescribeAutoScalingGroups for one group. NotFound: it is not in there; DataLoss: not what AWS
// answers. Pure.
Result<GroupDescription> ParseGroup(const XmlElement& answer, std::string_view group);

// Which instances go so that `count` fewer are left: neither protected nor busy, those that have
// not begun to work first. Pure.
std::vector<std::string> ChooseIdle(const GroupDescription& group, size_t count,
                                    const std::set<std::string>& busy);

// Whether nobody is busy without protection. Pure.
bool BusyAreProtected(const GroupDescription& group, const std::set<std::string>& busy);

class Session;
Result<std::unique_ptr<WorkerGroup>> OpenAutoScalingGroup(Session& session,
                                                          const AutoScalingOptions& options);
Result<std::unique_ptr<Ec2Instance>> OpenEc2Instance(Session& session,
                                                     const AutoScalingOptions& options);
Result<std::unique_ptr<CloudWatch>> OpenCloudWatch(Session& session,
                                                   const CloudWatchOptions& options);

}  // namespace nanogrid::aws
