#include <boost/json.hpp>
#include <mutex>

#include "aws/fleet/auto_scaling.h"
#include "aws/session.h"
#include "core/errors.h"
#include "core/json.h"

namespace nanogrid {
namespace aws {
namespace {

namespace json = boost::json;

constexpr char kId[] = "/latest/meta-data/instance-id";
constexpr char kSpot[] = "/latest/meta-data/spot/instance-action";
constexpr char kTarget[] = "/latest/meta-data/autoscaling/target-lifecycle-state";

// {"action": "terminate", "time": "…"}
std::string DescribeSpotAction(std::string_view text) {
  std::string notice = "spot:";
  if (!CheckJson(text).ok()) return notice + " interruption";
  const json::value value = json::parse({text.data(), text.size()});
  for (const char* const field : {"action", "time"}) {
    const json::value* const found =
        value.is_object() ? value.get_object().if_contains(field) : nullptr;
    if (found == nullptr || !found->is_string()) continue;
    notice += std::string_view(field) == "time" ? " at " : " ";
    notice.append(found->get_string().data(), std::min<size_t>(found->get_string().size(), 40));
  }
  return notice;
}

class Instance final : public Ec2Instance {
 public:
  Instance(std::shared_ptr<Session> session, std::unique_ptr<Client> client, std::string group)
      : session_(std::move(session)), client_(std::move(client)), group_(std::move(group)) {}

  Result<std::string> Id(const Context& context) override {
    {
      const std::lock_guard lock(mutex_);
      if (!id_.empty()) return id_;
    }
    NANOGRID_ASSIGN_OR_RETURN(const std::string id, Look(context, kId));
    if (id.empty()) return Unavailable("instance metadata: the instance has no id");
    const std::lock_guard lock(mutex_);
    return id_ = id;
  }

  Result<std::string> Notice(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const std::string spot, Look(context, kSpot));
    if (!spot.empty()) return DescribeSpotAction(spot);
    NANOGRID_ASSIGN_OR_RETURN(const std::string target, Look(context, kTarget));
    return std::string(target.ends_with("Terminated") ? "scale-in" : "");
  }

  Status Protect(const Context& context, bool from_scale_in) override {
    if (client_ == nullptr) return FailedPrecondition("group: no Auto Scaling group is named");
    NANOGRID_ASSIGN_OR_RETURN(const std::string id, Id(context));
    return client_
        ->Query(context, "SetInstanceProtection",
                {{"AutoScalingGroupName", group_},
                 {"InstanceIds.member.1", id},
                 {"ProtectedFromScaleIn", from_scale_in ? "true" : "false"}})
        .status();
  }

 private:
  // Empty: there is no such thing.
  Result<std::string> Look(const Context& context, const char* path) const {
    if (session_->metadata() == nullptr) {
      return Unavailable("instance metadata: AWS_EC2_METADATA_DISABLED is true");
    }
    Result<std::string> found = session_->metadata()->Get(context, path);
    if (absl::IsNotFound(found.status())) return std::string();
    return found;
  }

  const std::shared_ptr<Session> session_;
  const std::unique_ptr<Client> client_;  // null: no group
  const std::string group_;
  std::mutex mutex_;
  std::string id_{};
};

}  // namespace

Result<std::unique_ptr<Ec2Instance>> OpenEc2Instance(Session& session,
                                                     const AutoScalingOptions& options) {
  std::unique_ptr<Client> client;
  if (!options.group.empty()) {
    NANOGRID_ASSIGN_OR_RETURN(
        client, Client::Make(Context{}, session, kAutoScaling,
                             {.region = options.aws.region, .endpoint = options.aws.endpoint}));
  }
  return std::make_unique<Instance>(session.shared_from_this(), std::move(client), options.group);
}

}  // namespace aws

Result<std::unique_ptr<Ec2Instance>> MakeEc2Instance(const AutoScalingOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenEc2Instance(*session, options);
}

}  // namespace nanogrid
