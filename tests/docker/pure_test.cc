// The parts that decide without asking anybody.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "nanogrid/adapters/docker.h"
#include "sandbox/docker/container_cgroup.h"
#include "sandbox/docker/container_spec.h"
#include "sandbox/docker/engine_answers.h"
#include "sandbox/docker/owner.h"

namespace nanogrid::docker {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kMounts[] =
    "24 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "25 24 0:23 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
    "26 24 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "27 24 0:25 /outer /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "28 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "broken line\n";
constexpr char kCgroups[] =
    "12:memory:/docker/abc\n11:cpu,cpuacct:/docker/abc\n10:pids:/outer/docker/abc\n"
    "9:freezer:/../docker/abc\n0::/system.slice/docker-abc.scope\nbroken\n";

TEST(ContainerCgroup, IsFoundByItsMounts) {
  const auto directory = [](const char* controller) {
    return CgroupDirectory(kCgroups, kMounts, controller);
  };
  EXPECT_EQ(directory("memory"), "/sys/fs/cgroup/memory/docker/abc");
  EXPECT_EQ(directory("cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/docker/abc");
  EXPECT_EQ(directory("pids"), "/sys/fs/cgroup/pids/docker/abc");
  EXPECT_EQ(directory(""), "/sys/fs/cgroup/unified/system.slice/docker-abc.scope");
}

TEST(ContainerCgroup, ThatCannotBeSeenIsNotFound) {
  EXPECT_EQ(CgroupDirectory(kCgroups, kMounts, "freezer"), "");  // another namespace
  EXPECT_EQ(CgroupDirectory(kCgroups, kMounts, "cpuset"), "");   // no such line
  EXPECT_EQ(CgroupDirectory("10:pids:/outside\n", kMounts, "pids"), "");
  EXPECT_EQ(CgroupDirectory("10:pids:/outerspace\n", kMounts, "pids"), "");
  EXPECT_EQ(CgroupDirectory("", "", "memory"), "");
}

TEST(Owner, IsGoneWhenItsProcessIs) {
  EXPECT_FALSE(OwnerIsGone(OwnerOfThisProcess()));
  int says[2];
  ASSERT_EQ(pipe(says), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string owner = OwnerOfThisProcess();
    (void)!write(says[1], owner.data(), owner.size());
    for (;;) pause();
  }
  char text[256] = {};
  ASSERT_GT(read(says[0], text, sizeof(text) - 1), 0);
  EXPECT_FALSE(OwnerIsGone(text));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(OwnerIsGone(text));
  close(says[0]);
  close(says[1]);
}

TEST(Owner, OfAnotherBootIsGoneAndOneThatCannotBeJudgedIsNot) {
  EXPECT_TRUE(OwnerIsGone("00000000-0000-0000-0000-000000000000 pid:[1] 1 1"));
  std::string elsewhere = OwnerOfThisProcess();
  elsewhere.replace(elsewhere.find("pid:["), 5, "pid:[9");
  EXPECT_FALSE(OwnerIsGone(elsewhere));
  const std::string boot = OwnerOfThisProcess().substr(0, 36);
  for (const std::string& label : {std::string(), std::string("x"), boot, boot + " pid:[1] 1",
                                   OwnerOfThisProcess() + " more"}) {
    EXPECT_FALSE(OwnerIsGone(label)) << label;
  }
}

TEST(EngineAnswers, OfAnyShapeAreRead) {
  for (const char* text : {"{}", R"({"State":7})", R"({"State":{"Pid":"x","Status":[]}})",
                           R"({"State":{"Pid":99999999999}})", R"({"State":{"Pid":1e300}})"}) {
    EXPECT_EQ(StateOf(json::parse(text).as_object()).pid, 0) << text;
  }
  const ContainerState state = StateOf(
      json::parse(R"({"State":{"Status":"exited","Pid":3,"ExitCode":137,"OOMKilled":true}})")
          .as_object());
  EXPECT_EQ(state.status, "exited");
  EXPECT_EQ(state.pid, 3);
  EXPECT_EQ(state.exit_code, 137);
  EXPECT_TRUE(state.oom_killed);
  EXPECT_THAT(
      ImageOf(json::parse(R"({"Id":"i","Config":{"Volumes":{"/data":{}}}})").as_object()).volumes,
      ElementsAre("/data"));
  EXPECT_TRUE(MapsUsers(json::parse(R"({"SecurityOptions":["name=rootless"]})").as_object()));
  EXPECT_TRUE(MapsUsers(json::parse(R"({"SecurityOptions":["name=userns"]})").as_object()));
  EXPECT_FALSE(MapsUsers(json::parse(R"({"SecurityOptions":[1,"name=seccomp"]})").as_object()));
}

FunctionPackage Package() {
  FunctionPackage package;
  package.name = "f";
  package.version = 2;
  package.code_dir = "/code,with\"quotes";
  return package;
}

TEST(CreateRequest, HasTheLimitsAndNothingThatTheFunctionChose) {
  FunctionPackage package = Package();
  package.env = {{"SECRET", "not to be seen by the engine"}};
  package.limits.memory = 1 << 30;
  package.limits.cpus = 0.5;
  package.limits.max_processes = 100;
  const std::string text = CreateRequest(package, {.image_id = "sha256:a", .uid = 7});
  EXPECT_THAT(text, testing::Not(HasSubstr("SECRET")));
  const json::value request = json::parse(text);
  const json::object& host = request.at("HostConfig").as_object();
  EXPECT_EQ(host.at("Memory").to_number<int64_t>(), 1 << 30);
  EXPECT_EQ(host.at("MemorySwap").to_number<int64_t>(), 1 << 30);
  EXPECT_EQ(host.at("NanoCpus").to_number<int64_t>(), 500'000'000);
  EXPECT_EQ(host.at("PidsLimit").to_number<int64_t>(), 101);
  EXPECT_EQ(host.at("NetworkMode").as_string(), "none");
  EXPECT_TRUE(host.at("ReadonlyRootfs").as_bool());
  EXPECT_EQ(json::serialize(host.at("CapDrop")), R"(["ALL"])");
  EXPECT_EQ(request.at("User").as_string(), "7:7");
  EXPECT_EQ(host.at("Mounts").at(1).at("Source").as_string(), "/code,with\"quotes");
}

TEST(CreateRequest, HasTheHostsNetworkOnlyIfItIsGranted) {
  FunctionPackage package = Package();
  package.grants.network = Network::kHost;
  const json::value request = json::parse(CreateRequest(package, {.uid = 7}));
  EXPECT_EQ(request.at("HostConfig").at("NetworkMode").as_string(), "host");
}

TEST(LimitsUpdate, ComesWhereAContainerCouldNotStartWithItsLimits) {
  Limits limits;
  limits.memory = 1 << 30;
  limits.max_processes = 1000;
  EXPECT_EQ(LimitsUpdate(limits), "");
  limits.max_processes = 1;
  const json::value update = json::parse(LimitsUpdate(limits));
  EXPECT_EQ(update.at("PidsLimit").to_number<int>(), 2);
  EXPECT_EQ(update.at("Memory").to_number<int64_t>(), 1 << 30);
}

TEST(DockerUri, NamesTheEngineAndTheImages) {
  const auto make = [](const char* text) {
    const Result<Uri> uri = Uri::Parse(text);
    return uri.ok() ? MakeDockerSandbox(*uri).status() : uri.status();
  };
  EXPECT_TRUE(make("docker:").ok());
  EXPECT_TRUE(make("docker:?engine=unix:///x&image_prefix=mine/").ok());
  for (const char* wrong :
       {"docker:x", "docker://host", "docker:?socket=/x", "docker:?engine=tcp://example.com:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(make(wrong))) << wrong;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(MakeDockerSandbox({.uid_count = 1}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeDockerSandbox({.first_uid = 0}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeDockerSandbox({.runtime_dir = "x"}).status()));
}

}  // namespace
}  // namespace nanogrid::docker
