#include "aws/fleet/auto_scaling.h"

#include <algorithm>
#include <charconv>

#include "aws/session.h"
#include "core/errors.h"

namespace nanogrid {
namespace aws {
namespace {

uint32_t ToNumber(std::string_view text) {
  uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool IsLeaving(const GroupInstance& instance) {
  return instance.state.starts_with("Terminat") || instance.state.starts_with("Detach");
}

bool IsBusy(const GroupInstance& instance, const std::set<std::string>& busy) {
  return std::any_of(busy.begin(), busy.end(), [&](const std::string& worker) {
    return worker.find(instance.id) != std::string::npos;
  });
}

class Group final : public WorkerGroup {
 public:
  Group(std::unique_ptr<Client> client, std::string name)
      : client_(std::move(client)), name_(std::move(name)) {}

  Result<uint32_t> Size(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const GroupDescription group, Describe(context));
    return group.desired;
  }

  Status Resize(const Context& context, uint32_t size, const std::set<std::string>& busy) override {
    NANOGRID_ASSIGN_OR_RETURN(const GroupDescription group, Describe(context));
    const uint32_t target = std::clamp(size, group.least, std::max(group.least, group.most));
    if (target > group.desired) {
      NANOGRID_RETURN_IF_ERROR(SetDesired(context, target));
    } else if (target < group.desired) {
      NANOGRID_RETURN_IF_ERROR(Shrink(context, group, group.desired - target, busy));
    }
    if (size == target) return absl::OkStatus();
    return FailedPrecondition(
        "Auto Scaling group '{}': {} workers are wanted, and the group's own limits are {} to {}",
        name_, size, group.least, group.most);
  }

 private:
  Result<GroupDescription> Describe(const Context& context) {
    NANOGRID_ASSIGN_OR_RETURN(const XmlElement answer,
                              client_->Query(context, "DescribeAutoScalingGroups",
                                             {{"AutoScalingGroupNames.member.1", name_}}));
    return ParseGroup(answer, name_);
  }

  Status SetDesired(const Context& context, uint32_t size) {
    return client_
        ->Query(context, "SetDesiredCapacity",
                {{"AutoScalingGroupName", name_},
                 {"DesiredCapacity", std::to_string(size)},
                 {"HonorCooldown", "false"}})
        .status();
  }

  // Where whoever is busy is protected, AWS chooses: it decides about an instance and looks at its
  // protection in one step, so that none is taken that begins a job meanwhile. Elsewhere each goes
  // by name, for AWS knows nothing of jobs.
  Status Shrink(const Context& context, const GroupDescription& group, size_t count,
                const std::set<std::string>& busy) {
    const std::vector<std::string> idle = ChooseIdle(group, count, busy);
    if (idle.empty()) return absl::OkStatus();
    if (BusyAreProtected(group, busy)) {
      return SetDesired(context, group.desired - static_cast<uint32_t>(idle.size()));
    }
    for (const std::string& id : idle) {
      // Not repeatable: the second one would take another instance's place from the group.
      NANOGRID_RETURN_IF_ERROR(
          client_
              ->Query(context, "TerminateInstanceInAutoScalingGroup",
                      {{"InstanceId", id}, {"ShouldDecrementDesiredCapacity", "true"}},
                      {.repeatable = false})
              .status());
    }
    return absl::OkStatus();
  }

  const std::unique_ptr<Client> client_;
  const std::string name_;
};

}  // namespace

Result<GroupDescription> ParseGroup(const XmlElement& answer, std::string_view group) {
  const XmlElement* const groups = answer.Find("DescribeAutoScalingGroupsResult/AutoScalingGroups");
  if (groups == nullptr) {
    return MakeError(absl::StatusCode::kDataLoss, "autoscaling: an answer without groups");
  }
  for (const XmlElement& each : groups->children) {
    if (each.Text("AutoScalingGroupName") != group) continue;
    GroupDescription found{.least = ToNumber(each.Text("MinSize")),
                           .most = ToNumber(each.Text("MaxSize")),
                           .desired = ToNumber(each.Text("DesiredCapacity"))};
    const XmlElement* const instances = each.Find("Instances");
    if (instances == nullptr) return found;
    for (const XmlElement& instance : instances->children) {
      found.instances.push_back({.id = std::string(instance.Text("InstanceId")),
                                 .state = std::string(instance.Text("LifecycleState")),
                                 .is_protected = instance.Text("ProtectedFromScaleIn") == "true"});
    }
    return found;
  }
  return NotFound("there is no Auto Scaling group '{}'", group);
}

bool BusyAreProtected(const GroupDescription& group, const std::set<std::string>& busy) {
  return std::all_of(
      group.instances.begin(), group.instances.end(),
      [&](const GroupInstance& each) { return each.is_protected || !IsBusy(each, busy); });
}

std::vector<std::string> ChooseIdle(const GroupDescription& group, size_t count,
                                    const std::set<std::string>& busy) {
  std::vector<const GroupInstance*> idle;
  for (const GroupInstance& each : group.instances) {
    if (!each.id.empty() && !each.is_protected && !IsLeaving(each) && !IsBusy(each, busy)) {
      idle.push_back(&each);
    }
  }
  std::stable_partition(idle.begin(), idle.end(),
                        [](const GroupInstance* each) { return each->state != "InService"; });
  idle.resize(std::min(idle.size(), count));
  std::vector<std::string> ids;
  for (const GroupInstance* const each : idle) ids.push_back(each->id);
  return ids;
}

Result<std::unique_ptr<WorkerGroup>> OpenAutoScalingGroup(Session& session,
                                                          const AutoScalingOptions& options) {
  if (options.group.empty()) return InvalidArgument("group: must name an Auto Scaling group");
  NANOGRID_ASSIGN_OR_RETURN(
      auto client, Client::Make(Context{}, session, kAutoScaling,
                                {.region = options.aws.region, .endpoint = options.aws.endpoint}));
  return std::make_unique<Group>(std::move(client), options.group);
}

}  // namespace aws

Result<std::unique_ptr<WorkerGroup>> MakeAutoScalingGroup(const AutoScalingOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenAutoScalingGroup(*session, options);
}

}  // namespace nanogrid
