// Auto Scaling groups and metrics on moto; an instance's own metadata.
#include <gmock/gmock.h>

#include "aws/fake_service.h"
#include "aws/fleet/auto_scaling.h"
#include "aws/service_double.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using testing::ElementsAre;

// A group with 1 to 5 instances, of which there are 3.
std::string NewGroup() {
  const auto client = TestClient(aws::kAutoScaling, MotoUrl());
  std::string name = UniqueName("group");
  const auto template_made = client->Query(Context{}, "CreateLaunchConfiguration",
                                           {{"LaunchConfigurationName", name},
                                            {"ImageId", "ami-12c6146b"},
                                            {"InstanceType", "t2.micro"}});
  EXPECT_TRUE(template_made.ok()) << template_made.status();
  const auto made = client->Query(Context{}, "CreateAutoScalingGroup",
                                  {{"AutoScalingGroupName", name},
                                   {"LaunchConfigurationName", name},
                                   {"MinSize", "1"},
                                   {"MaxSize", "5"},
                                   {"DesiredCapacity", "3"},
                                   {"AvailabilityZones.member.1", "us-east-1a"}});
  EXPECT_TRUE(made.ok()) << made.status();
  return name;
}

aws::GroupDescription Describe(const std::string& group) {
  const auto answer = TestClient(aws::kAutoScaling, MotoUrl())
                          ->Query(Context{}, "DescribeAutoScalingGroups",
                                  {{"AutoScalingGroupNames.member.1", group}});
  EXPECT_TRUE(answer.ok()) << answer.status();
  const auto description = aws::ParseGroup(*answer, group);
  EXPECT_TRUE(description.ok()) << description.status();
  return *description;
}

std::unique_ptr<WorkerGroup> Open(const std::string& group) {
  auto opened =
      aws::OpenAutoScalingGroup(*TestSession(), {.aws = {.endpoint = MotoUrl()}, .group = group});
  EXPECT_TRUE(opened.ok()) << opened.status();
  return *std::move(opened);
}

TEST(AutoScalingGroup, GrowsAndShrinksWithoutTakingTheBusy) {
  const std::string name = NewGroup();
  const auto group = Open(name);
  EXPECT_EQ(*group->Size(Context{}), 3u);
  ASSERT_TRUE(group->Resize(Context{}, 4, {}).ok());
  EXPECT_EQ(*group->Size(Context{}), 4u);
  const aws::GroupDescription before = Describe(name);
  ASSERT_EQ(before.instances.size(), 4u);
  const std::set<std::string> busy = {"worker-" + before.instances[0].id,
                                      before.instances[2].id + "/1"};
  ASSERT_TRUE(group->Resize(Context{}, 1, busy).ok());
  EXPECT_EQ(*group->Size(Context{}), 2u) << "the busy ones stay";
  std::set<std::string> left;
  for (const aws::GroupInstance& each : Describe(name).instances) left.insert(each.id);
  EXPECT_TRUE(left.contains(before.instances[0].id));
  EXPECT_TRUE(left.contains(before.instances[2].id));
}

TEST(AutoScalingGroup, WhereTheBusyAreProtectedItIsAwsThatChooses) {
  const std::string name = NewGroup();
  const auto group = Open(name);
  const aws::GroupDescription before = Describe(name);
  const std::string busy = before.instances.at(0).id;
  const auto client = TestClient(aws::kAutoScaling, MotoUrl());
  ASSERT_TRUE(client
                  ->Query(Context{}, "SetInstanceProtection",
                          {{"AutoScalingGroupName", name},
                           {"InstanceIds.member.1", busy},
                           {"ProtectedFromScaleIn", "true"}})
                  .ok());
  ASSERT_TRUE(group->Resize(Context{}, 1, {"worker-" + busy}).ok());
  const aws::GroupDescription after = Describe(name);
  ASSERT_EQ(after.instances.size(), 1u);
  EXPECT_EQ(after.instances[0].id, busy);
  EXPECT_EQ(after.desired, 1u);
}

TEST(AutoScalingGroup, NobodyIsTakenByNameWhoMayProtectHimselfMeanwhile) {
  std::vector<std::string> asked;
  std::mutex mutex;
  const FakeService service([&](const HttpRequest& request) -> HttpResponse {
    const std::lock_guard lock(mutex);
    const size_t action = request.body.find("Action=") + 7;
    asked.push_back(request.body.substr(action, request.body.find('&', action) - action));
    if (asked.back() != "DescribeAutoScalingGroups") return {.body = "<Done/>"};
    return {.body = R"(<R><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>
        <AutoScalingGroupName>g</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>5</MaxSize>
        <DesiredCapacity>2</DesiredCapacity><Instances>
        <member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState></member>
        <member><InstanceId>i-2</InstanceId><LifecycleState>InService</LifecycleState></member>
        </Instances></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></R>)"};
  });
  const auto group = *aws::OpenAutoScalingGroup(*TestSession(),
                                                {.aws = {.endpoint = service.url()}, .group = "g"});
  EXPECT_TRUE(group->Resize(Context{}, 1, {}).ok());
  EXPECT_THAT(asked, ElementsAre("DescribeAutoScalingGroups", "SetDesiredCapacity"));
  asked.clear();
  EXPECT_TRUE(group->Resize(Context{}, 1, {"worker-i-1"}).ok());
  EXPECT_THAT(asked,
              ElementsAre("DescribeAutoScalingGroups", "TerminateInstanceInAutoScalingGroup"));
}

TEST(AutoScalingGroup, KeepsTheGroupsOwnLimitsAndSaysSo) {
  const auto group = Open(NewGroup());
  const Status status = group->Resize(Context{}, 9, {});
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("1 to 5"));
  EXPECT_EQ(*group->Size(Context{}), 5u);
}

TEST(AutoScalingGroup, ThatIsNotThereIsNotFound) {
  EXPECT_EQ(Open("missing")->Size(Context{}).status().code(), Code::kNotFound);
}

TEST(AutoScalingGroup, OfItsInstancesTheIdleAndUnprotectedGoThoseThatNeverWorkedFirst) {
  const aws::GroupDescription group{.instances = {{"i-1", "InService", true},
                                                  {"i-2", "InService", false},
                                                  {"i-3", "Terminating:Wait", false},
                                                  {"i-4", "Pending", false},
                                                  {"i-5", "InService", false}}};
  EXPECT_THAT(aws::ChooseIdle(group, 2, {}), ElementsAre("i-4", "i-2"));
  EXPECT_THAT(aws::ChooseIdle(group, 9, {"host-i-2"}), ElementsAre("i-4", "i-5"));
  EXPECT_TRUE(aws::ChooseIdle(group, 0, {}).empty());
}

TEST(Ec2Instance, KnowsItsIdAndWhenItHasToGo) {
  std::map<std::string, std::string> paths = {{"instance-id", "i-7"}};
  std::mutex mutex;
  const FakeService imds([&](const HttpRequest& request) -> HttpResponse {
    const std::string prefix = "/latest/meta-data/";
    if (request.method == "PUT") return {.body = "token"};
    const std::lock_guard lock(mutex);
    const auto found = paths.find(request.target.substr(prefix.size()));
    return found == paths.end() ? HttpResponse{.status = 404} : HttpResponse{.body = found->second};
  });
  const auto environment = [&imds](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "AWS_EC2_METADATA_SERVICE_ENDPOINT") return imds.url();
    return std::nullopt;
  };
  const auto session = *aws::Session::Open({}, environment);
  const auto instance = *aws::OpenEc2Instance(*session, {});
  EXPECT_EQ(*instance->Id(Context{}), "i-7");
  EXPECT_EQ(*instance->Notice(Context{}), "");
  const auto set = [&](const std::string& path, const std::string& text) {
    const std::lock_guard lock(mutex);
    paths[path] = text;
  };
  set("autoscaling/target-lifecycle-state", "InService");
  EXPECT_EQ(*instance->Notice(Context{}), "");
  set("autoscaling/target-lifecycle-state", "Terminated");
  EXPECT_EQ(*instance->Notice(Context{}), "scale-in");
  set("spot/instance-action", R"({"action":"stop","time":"2026-02-28T09:30:00Z"})");
  EXPECT_EQ(*instance->Notice(Context{}), "spot: stop at 2026-02-28T09:30:00Z");
  set("spot/instance-action", "[]");
  EXPECT_EQ(*instance->Notice(Context{}), "spot:");
  EXPECT_EQ(instance->Protect(Context{}, true).code(), Code::kFailedPrecondition);
}

TEST(Ec2Instance, IsProtectedFromScaleIn) {
  const std::string name = NewGroup();
  const std::string id = Describe(name).instances.at(0).id;
  const FakeService imds([&id](const HttpRequest&) { return HttpResponse{.body = id}; });
  const auto environment = [&imds](const char* variable) -> std::optional<std::string> {
    const std::string_view asked = variable;
    if (asked == "AWS_EC2_METADATA_SERVICE_ENDPOINT") return imds.url();
    if (asked == "AWS_ACCESS_KEY_ID" || asked == "AWS_SECRET_ACCESS_KEY") return "test";
    return std::nullopt;
  };
  const auto session = *aws::Session::Open({}, environment);
  const auto instance = *aws::OpenEc2Instance(
      *session, {.aws = {.region = "us-east-1", .endpoint = MotoUrl()}, .group = name});
  const Status status = instance->Protect(Context{}, true);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(Describe(name).instances.at(0).is_protected);
  EXPECT_TRUE(instance->Protect(Context{}, false).ok());
  EXPECT_FALSE(Describe(name).instances.at(0).is_protected);
}

TEST(CloudWatch, TakesMetrics) {
  const std::string name = UniqueName("NanoGrid");
  const auto metrics = *aws::OpenCloudWatch(
      *TestSession(), {.aws = {.endpoint = MotoUrl()}, .metrics_namespace = name});
  std::vector<Metric> many(
      120, {.name = "QueueDepth", .value = 0.5, .unit = "Count", .dimensions = {{"Queue", "a b"}}});
  const Status status = metrics->Put(Context{}, many);
  ASSERT_TRUE(status.ok()) << status;
  const auto list = TestClient(aws::kCloudWatch, MotoUrl())
                        ->Query(Context{}, "ListMetrics", {{"Namespace", name}});
  ASSERT_TRUE(list.ok()) << list.status();
  const auto* const first = list->Find("ListMetricsResult/Metrics/member");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->Text("MetricName"), "QueueDepth");
  EXPECT_EQ(first->Text("Dimensions/member/Value"), "a b");
  many = {{.name = "x", .value = std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(metrics->Put(Context{}, many).code(), Code::kInvalidArgument);
}

TEST(CloudWatch, SendsInBatchesAndNothingTwice) {
  std::atomic<int> status = 200;
  const FakeService service([&status](const HttpRequest&) {
    return HttpResponse{.status = status, .body = "<PutMetricDataResponse/>"};
  });
  const auto metrics = *aws::OpenCloudWatch(*TestSession(), {.aws = {.endpoint = service.url()}});
  EXPECT_TRUE(metrics->Put(Context{}, std::vector<Metric>(250, {.name = "x"})).ok());
  EXPECT_EQ(service.requests().size(), 3u);
  status = 500;
  EXPECT_EQ(metrics->Put(Context{}, std::vector<Metric>{{.name = "x"}}).code(), Code::kUnavailable);
  EXPECT_EQ(service.requests().size(), 4u);
}

TEST(Group, AnswersThatAreNoneAreDataLoss) {
  EXPECT_EQ(aws::ParseGroup({.name = "x"}, "g").status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace nanogrid
