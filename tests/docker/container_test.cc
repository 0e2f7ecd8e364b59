// What a container is made of, on a real engine: seen from inside, and from beside it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "docker/docker_test_support.h"
#include "sandbox/docker/engine_api.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class Container : public testing::Test {
 protected:
  void SetUp() override {
    const Result<std::string> engine = TestEngine();
    if (!engine.ok()) GTEST_SKIP() << engine.status().message();
    engine_ = *engine;
    sandbox_ = Make();
  }

  std::unique_ptr<Sandbox> Make() const {
    Result<std::unique_ptr<Sandbox>> sandbox = MakeDockerSandbox({.engine = engine_});
    EXPECT_TRUE(sandbox.ok()) << sandbox.status();
    return sandbox.ok() ? *std::move(sandbox) : nullptr;
  }
  // A name of this test's, by which its containers are found again.
  std::string Name() const {
    return std::string("tested-") + testing::UnitTest::GetInstance()->current_test_info()->name() +
           "-" + std::to_string(getpid());
  }
  FunctionPackage Shell(const std::string& script, const std::string& image = kHostImage) const {
    FunctionPackage package;
    package.name = Name();
    package.version = 1;
    package.image = image;
    package.code_dir = ProgramDirectory();
    package.command = {"/bin/sh", "-c", script};
    package.env = {{"PATH", "/usr/bin:/bin"}};
    package.protocol = Protocol::kStdio;
    package.result_is_json = false;
    return package;
  }
  FunctionPackage FrameServer() const {
    FunctionPackage package = Shell("");
    package.command = {"/var/task/frame_server", "-"};
    package.protocol = Protocol::kFrames;
    package.result_is_json = true;
    return package;
  }
  Result<std::unique_ptr<Instance>> Start(const FunctionPackage& package) {
    return sandbox_->Start(Context::WithTimeout(kHang), package);
  }
  Outcome Run(const FunctionPackage& package) {
    const Result<std::unique_ptr<Instance>> instance = Start(package);
    EXPECT_TRUE(instance.ok()) << instance.status();
    return instance.ok() ? Invoke(**instance, "") : Outcome{};
  }
  std::string Output(const FunctionPackage& package) {
    const Outcome outcome = Run(package);
    EXPECT_THAT(outcome, EndedBy(Ending::kReturned));
    return outcome.result;
  }
  // Ids of containers of a function of that name.
  std::vector<std::string> Containers(const std::string& name) const {
    docker::EngineApi api(docker::ParseEngineAddress(engine_));
    const auto list = api.GetList(Context::WithTimeout(kHang), "/containers/json?all=1");
    EXPECT_TRUE(list.ok()) << list.status();
    std::vector<std::string> ids;
    for (const boost::json::value& container : list.ok() ? *list : boost::json::array()) {
      const auto& labels = container.at("Labels").as_object();
      const auto* const label = labels.if_contains("nanogrid.function");
      if (label != nullptr && label->as_string() == (name + "@1").c_str()) {
        ids.emplace_back(container.at("Id").as_string().c_str());
      }
    }
    return ids;
  }

  std::string engine_;
  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(Container, HasNoPrivilegeLeft) {
  const std::string status = Output(Shell("cat /proc/self/status"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(status, HasSubstr(std::string(set) + ":\t0000000000000000\n"));
  }
  EXPECT_THAT(status, AllOf(HasSubstr("NoNewPrivs:\t1\n"), HasSubstr("Seccomp:\t2\n")));
  EXPECT_EQ(Output(Shell("id -u")), Output(Shell("id -g")));
}

TEST_F(Container, HasAUserOfItsOwn) {
  const auto first = Start(FrameServer()), second = Start(FrameServer());
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  std::set<std::string> users;
  for (const std::string& id : Containers(Name())) {
    docker::EngineApi api(docker::ParseEngineAddress(engine_));
    const auto found = api.Get(Context::WithTimeout(kHang), "/containers/" + id + "/json");
    ASSERT_TRUE(found.ok()) << found.status();
    users.insert(found->at("Config").at("User").as_string().c_str());
  }
  EXPECT_EQ(users.size(), 2u);
}

TEST_F(Container, CanWriteToTmpAndToSharedMemoryAndNowhereElse) {
  EXPECT_EQ(
      Output(Shell("for d in / /bin /dev /dev/mqueue /etc /proc/sys/kernel /run /run/nanogrid "
                   "/sys /tmp /usr /var/runtime /var/task /dev/shm; do"
                   "  touch $d/new 2> /dev/null && echo $d; done; true")),
      "/tmp\n/dev/shm\n");
}

TEST_F(Container, TmpIsBoundedInBytesAndInodes) {
  FunctionPackage package = Shell(
      "dd if=/dev/zero of=/tmp/large bs=65536 count=100 2> /dev/null || echo full; rm /tmp/large;"
      "i=0; while touch /tmp/$i 2> /dev/null; do i=$((i+1)); [ $i -gt 5000 ] && break; done;"
      "[ $i -lt 1000 ] && echo few");
  package.limits.tmp_size = 1 << 20;
  EXPECT_EQ(Output(package), "full\nfew\n");
}

TEST_F(Container, ShowsNothingOfPid1) {
  EXPECT_EQ(Output(Shell("for f in environ mem maps fd root cwd exe; do"
                         "  head -c 1 /proc/1/$f > /dev/null 2>&1 && echo $f;"
                         "  ls /proc/1/$f/ > /dev/null 2>&1 && echo $f; done; true")),
            "");
}

TEST_F(Container, InheritsOnlyItsStreams) {
  FunctionPackage package = Shell("");
  package.command = {"/var/task/probe", "fds"};
  EXPECT_EQ(Words(Output(package)), Words("0 1 2"));
}

TEST_F(Container, ForeignSystemCallsAreKilled) {
  for (const char* abi : {"int80", "x32"}) {
    FunctionPackage package = Shell("");
    package.command = {"/var/task/probe", abi};
    EXPECT_THAT(Run(package), EndedBy(Ending::kViolation)) << abi;
  }
}

TEST_F(Container, MissingSystemCallsAreMissing) {
  FunctionPackage package = Shell("");
  // clone3, and one that does not exist: libraries fall back from ENOSYS alone.
  package.command = {"/var/task/probe", "calls", "435,0,0", "9999,"};
  EXPECT_EQ(Output(package), "38\n38\n");
}

TEST_F(Container, HasALoopbackInterfaceAndNoOther) {
  const auto interfaces = [](const std::string& text) {
    return std::count(text.begin(), text.end(), ':');
  };
  EXPECT_EQ(interfaces(Output(Shell("cat /proc/net/dev"))), 1);
}

TEST_F(Container, SeesNoSocketOfTheHosts) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Output(Shell("tail -n +2 /proc/net/unix")), "");
}

TEST_F(Container, TakesNothingOfItsImageButTheFiles) {
  const std::string seen = Output(
      Shell("busybox env; busybox touch /data/x 2> /dev/null && echo writable; busybox id -u",
            kVolumeImage));
  EXPECT_THAT(seen, testing::Not(HasSubstr("FROM_IMAGE")));
  EXPECT_THAT(seen, testing::Not(HasSubstr("writable")));
  EXPECT_THAT(seen, testing::Not(testing::EndsWith("\n0\n")));
}

TEST_F(Container, LimitsAreThoseOfTheFunctionHoweverSmall) {
  FunctionPackage package = Shell("sleep 0 & sleep 0 & sleep 0 & sleep 0 & wait");
  package.limits.max_processes = 2;
  EXPECT_THAT(Run(package), EndedBy(Ending::kTooManyProcesses));
  package = Shell("dd if=/dev/zero of=/tmp/x bs=65536 count=400 2> /dev/null");
  package.limits.memory = 8 << 20;
  EXPECT_THAT(Run(package), EndedBy(Ending::kOutOfMemory));
}

TEST_F(Container, IsRemovedWithItsInstance) {
  auto instance = Start(FrameServer());
  ASSERT_TRUE(instance.ok()) << instance.status();
  EXPECT_EQ(Containers(Name()).size(), 1u);
  EXPECT_TRUE((*instance)->Freeze().ok());
  instance->reset();
  EXPECT_THAT(Containers(Name()), IsEmpty());
}

TEST_F(Container, OfAnOwnerThatWasKilledIsRemovedByTheNext) {
  const FunctionPackage package = FrameServer();  // the name has this process's number
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    // One frozen behind the engine's back, one running.
    const std::unique_ptr<Sandbox> sandbox = Make();
    const auto frozen = sandbox->Start(Context{}, package);
    const auto running = sandbox->Start(Context{}, package);
    const bool good = frozen.ok() && running.ok() && (*frozen)->Freeze().ok();
    (void)!write(ready[1], &good, 1);
    for (;;) pause();
  }
  bool good = false;
  EXPECT_EQ(read(ready[0], &good, 1), 1);
  EXPECT_TRUE(good);
  EXPECT_EQ(Containers(Name()).size(), 2u);
  EXPECT_TRUE(SendSignal(owner, SIGKILL));
  waitpid(owner, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(Output(Shell("echo next")), "next\n");
  EXPECT_THAT(Containers(Name()), IsEmpty());
}

TEST_F(Container, WhoseImageIsMissingIsAnErrorThatSaysHowToGetIt) {
  const auto refused = Start(Shell("", "no-such/image:1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("docker pull no-such/image:1"));
  const auto ours = Start(Shell("", "nanogrid/nothing"));
  EXPECT_THAT(std::string(ours.status().message()),
              HasSubstr("examples/docker/build-images.sh nanogrid/nothing"));
}

TEST_F(Container, ThatCannotBeMadeLeavesNothing) {
  FunctionPackage package = Shell("");
  package.code_dir = "/no/such/directory";
  EXPECT_FALSE(Start(package).ok());
  package = Shell("");
  package.limits.memory = 4 << 20;  // less than an engine allows
  EXPECT_FALSE(Start(package).ok());
  for (const char* image : {"../x", "a b", "-x", "x?y=z", "x\ny", "/x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Start(Shell("", image)).status())) << image;
  }
  package = Shell("");
  package.root = "/";
  EXPECT_TRUE(absl::IsInvalidArgument(Start(package).status()));
  EXPECT_THAT(Containers(Name()), IsEmpty());
}

TEST_F(Container, StartedAndEndedManyTimesLeavesNoDescriptor) {
  Run(Shell("true"));
  const size_t before = CountDescriptors();
  for (int i = 0; i < 5; ++i) Run(Shell("true"));
  EXPECT_EQ(CountDescriptors(), before);
}

}  // namespace
}  // namespace nanogrid
