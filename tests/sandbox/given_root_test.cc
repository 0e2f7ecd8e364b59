// A root directory of the user's in place of the host's programs.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

// A root directory of the user's, with one static program.
class GivenRoot : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    const std::filesystem::path bin = root_.path() + "/bin";
    std::filesystem::create_directories(bin);
    for (const char* const program : {"probe", "frame_server"}) {
      std::filesystem::copy_file(ProgramDirectory() + "/" + program, bin / program);
    }
    if (std::filesystem::exists("/bin/busybox")) {
      std::filesystem::copy_file("/bin/busybox", bin / "busybox");
    }
    root_.Write("etc/motd", "of the given root");
  }
  FunctionPackage InRoot(FunctionPackage package) {
    package.root = root_.path();
    return package;
  }
  FunctionPackage Busybox(const std::string& script) {
    return InRoot(Command({"/bin/busybox", "sh", "-c", script, marker()}));
  }
  bool HasStaticBusybox() {
    return std::filesystem::exists("/bin/busybox") &&
           Run(Busybox("exit 0")).ending == Ending::kReturned;
  }

  TestDirectory root_;
};
INSTANTIATE_SANDBOX_TESTS(GivenRoot);

TEST_P(GivenRoot, ItsProgramsRun) {
  EXPECT_EQ(Output(InRoot(Command({"/bin/probe", "fds", marker()}))), "0 1 2 ");
}

TEST_P(GivenRoot, ItsRuntimeServesManyInvocations) {
  FunctionPackage package = InRoot(FrameServer());
  package.command[0] = "/bin/frame_server";
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  EXPECT_THAT(Invoke(*instance, "count"), Returned("2"));
}

TEST_P(GivenRoot, ItIsThereInsteadOfTheHosts) {
  if (!HasStaticBusybox()) GTEST_SKIP() << "needs a static /bin/busybox (busybox-static)";
  EXPECT_THAT(Words(Output(Busybox("busybox ls -A /; busybox cat /etc/motd; busybox ls /usr"
                                   " 2>/dev/null; exit 0"))),
              testing::AllOf(Contains("bin"), Contains("etc"), Contains("given"),
                             Not(Contains("usr")), Not(Contains("lib"))));
}

TEST_P(GivenRoot, ItIsReadOnlyButForTmp) {
  if (!HasStaticBusybox()) GTEST_SKIP() << "needs a static /bin/busybox (busybox-static)";
  std::filesystem::permissions(root_.path(), std::filesystem::perms(0777));
  std::filesystem::permissions(root_.path() + "/etc/motd", std::filesystem::perms(0666));
  EXPECT_EQ(Output(Busybox("for f in /x /etc/x /etc/motd /bin/x /var/task/x; do "
                           "if (: > $f) 2>/dev/null; then echo $f; fi; done; "
                           "echo kept > /tmp/x && busybox cat /tmp/x; exit 0")),
            "kept\n");
  EXPECT_EQ(ReadFile(root_.path() + "/etc/motd"), "of the given root");
}

TEST_P(GivenRoot, ItHasTheSameFewDevicesAndItsOwnProcessesOnly) {
  if (!HasStaticBusybox()) GTEST_SKIP() << "needs a static /bin/busybox (busybox-static)";
  EXPECT_THAT(Words(Output(Busybox("busybox ls -A /dev"))),
              ElementsAre("fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout",
                          "urandom", "zero"));
  EXPECT_THAT(Output(Busybox("echo /proc/[0-9]*")), "/proc/1 /proc/2\n");
}

TEST_P(GivenRoot, LinksInItDoNotLeadOutOfIt) {
  if (!HasStaticBusybox()) GTEST_SKIP() << "needs a static /bin/busybox (busybox-static)";
  const TestDirectory outside;
  outside.Write("secret", "secret");
  std::filesystem::create_directory_symlink(outside.path(), root_.path() + "/out");
  std::filesystem::create_directory_symlink(outside.path(), root_.path() + "/tmp");
  std::filesystem::create_directory_symlink(outside.path(), root_.path() + "/proc");
  std::filesystem::create_directory_symlink(outside.path(), root_.path() + "/dev");
  std::filesystem::create_directory_symlink(outside.path(), root_.path() + "/var");
  EXPECT_EQ(Output(Busybox("busybox cat /out/secret /tmp/secret /var/secret 2>/dev/null; "
                           "echo x > /tmp/made; exit 0")),
            "");
  EXPECT_FALSE(std::filesystem::exists(outside.path() + "/made"));
}

// Whatever lies in the places where something is mounted or made, nothing outside is touched and
// the sandbox has its own there.
TEST_P(GivenRoot, HostileThingsInThePlacesOfMountsAreHidden) {
  if (!HasStaticBusybox()) GTEST_SKIP() << "needs a static /bin/busybox (busybox-static)";
  namespace fs = std::filesystem;
  const TestDirectory outside;
  outside.Write("secret", "secret");
  const std::string root = root_.path();
  const auto link = [&](const std::string& target, const std::string& at) {
    std::error_code ignored;
    fs::create_directories(fs::path(root + at).parent_path(), ignored);
    fs::remove_all(root + at, ignored);
    fs::create_symlink(target, root + at);
  };
  const std::vector<std::function<void()>> traps = {
      [&] {
        for (const char* at : {"/tmp", "/proc", "/dev", "/sys", "/var"}) link("../../../../..", at);
      },
      [&] {
        for (const char* at : {"/tmp", "/proc", "/dev", "/sys", "/var"}) link(outside.path(), at);
      },
      [&] {
        for (const char* at : {"/tmp", "/proc", "/dev", "/sys"}) link("/proc/self/root", at);
      },
      [&] {
        for (const char* at : {"/tmp", "/proc", "/dev", "/sys"}) link("var", at);
      },
      [&] {
        for (const char* at : {"/var/task", "/var/runtime", "/.hostproc"}) link(outside.path(), at);
      },
      [&] {
        for (const char* at : {"/var/task", "/var/runtime", "/.hostproc"}) link("/", at);
      },
      [&] {
        for (const char* at : {"/proc", "/dev", "/tmp", "/.hostproc"})
          root_.Write(at + 1, "a file");
      },
      [&] {
        for (const char* at : {"/dev/null", "/dev/shm", "/proc/kcore"})
          link(outside.path() + "/made", at);
      },
      [&] {
        for (const char* at : {"/tmp/output", "/var/task/x"}) link(outside.path() + "/made", at);
      },
  };
  for (size_t i = 0; i < traps.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "trap " << i);
    for (const char* at : {"/tmp", "/proc", "/dev", "/sys", "/var", "/.hostproc"}) {
      fs::remove_all(root + at);
    }
    traps[i]();
    // A root is remembered: each trap needs a sandbox of its own.
    const auto sandbox = MakeLinuxSandbox(Options());
    ASSERT_TRUE(sandbox.ok());
    const auto instance = (*sandbox)->Start(
        Context::WithTimeout(kHang),
        Busybox("echo x > /tmp/made; echo x > /tmp/output/made; echo x > /dev/null; "
                "busybox cat /tmp/secret /var/secret /dev/secret /sys/secret /.hostproc/1/comm "
                "2>/dev/null; busybox readlink /tmp /proc /dev /sys /var; busybox ls /sys; "
                "echo /proc/[0-9]*; busybox ls /var/task | busybox grep -cx probe; "
                "busybox ls -A /tmp"));
    ASSERT_TRUE(instance.ok()) << instance.status();
    CollectedLog log;
    EXPECT_EQ(Invoke(**instance, "", log).result, "/proc/1 /proc/2\n1\nmade\noutput\n")
        << log.text();
    std::vector<std::string> there;
    for (const auto& entry : fs::directory_iterator(outside.path())) {
      there.push_back(entry.path().filename());
    }
    EXPECT_THAT(there, ElementsAre("secret"));
  }
}

}  // namespace
}  // namespace nanogrid
