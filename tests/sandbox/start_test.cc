// What cannot be started says why, and leaves nothing behind.
#include <unistd.h>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using Code = absl::StatusCode;

class Starting : public SandboxTest {
 protected:
  // The start fails with that code and all of the words in its message; the next one works.
  void ExpectRefused(const FunctionPackage& package, Code code,
                     const std::vector<std::string>& words) {
    const auto instance = sandbox().Start(Context::WithTimeout(kHang), package);
    EXPECT_EQ(instance.status().code(), code) << instance.status();
    for (const std::string& word : words) {
      EXPECT_THAT(std::string(instance.status().message()), HasSubstr(word));
    }
    EXPECT_THAT(ProcessesWith(marker()), IsEmpty());
    EXPECT_EQ(Output(Shell("echo next")), "next\n");
  }
  FunctionPackage OfCode(const TestDirectory& code, std::vector<std::string> command) {
    command.push_back(marker());
    FunctionPackage package = Command(std::move(command));
    package.code_dir = code.path();
    return package;
  }
};
INSTANTIATE_SANDBOX_TESTS(Starting);

TEST_P(Starting, ACodeDirectoryThatDoesNotExistIsNamed) {
  FunctionPackage package = Shell("echo");
  package.code_dir = "/nonexistent/code";
  ExpectRefused(package, Code::kFailedPrecondition,
                {"code", "/nonexistent/code", "No such file", "errno 2"});
}

TEST_P(Starting, ACodeDirectoryThatIsNotAbsoluteIsRefused) {
  FunctionPackage package = Shell("echo");
  for (const char* const path : {"", "relative", "./relative"}) {
    package.code_dir = path;
    ExpectRefused(package, Code::kInvalidArgument, {"code_dir", path});
  }
}

TEST_P(Starting, ACodeDirectoryThatIsAFileIsRefused) {
  const TestDirectory directory;
  FunctionPackage package = Shell("echo");
  package.code_dir = directory.Write("file", "");
  ExpectRefused(package, Code::kFailedPrecondition, {"code"});
}

TEST_P(Starting, ARootThatDoesNotExistIsNamed) {
  FunctionPackage package = Shell("echo");
  package.root = "/nonexistent/root";
  ExpectRefused(package, Code::kFailedPrecondition,
                {"/nonexistent/root", "No such file", "errno 2"});
  package.root = "relative";
  ExpectRefused(package, Code::kInvalidArgument, {"root", "relative"});
}

TEST_P(Starting, ARuntimeDirectoryThatDoesNotExistIsNamed) {
  LinuxSandboxOptions options = Options();
  options.runtime_dir = "/nonexistent/runtime";
  const auto other = MakeLinuxSandbox(options);
  ASSERT_TRUE(other.ok()) << other.status();
  const auto instance = (*other)->Start(Context::WithTimeout(kHang), Shell("echo"));
  EXPECT_EQ(instance.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(std::string(instance.status().message()), HasSubstr("/nonexistent/runtime"));
}

TEST_P(Starting, AProgramThatDoesNotExistExitsLikeInAShell) {
  const Outcome outcome = Run(Command({"/var/task/nonexistent"}));
  EXPECT_THAT(outcome, EndedBy(Ending::kExited));
  EXPECT_EQ(outcome.exit_code, 127);
  ASSERT_TRUE(outcome.error);
  EXPECT_THAT(outcome.error->message, HasSubstr("No such file"));
}

TEST_P(Starting, AProgramThatIsNotExecutableExitsLikeInAShell) {
  const TestDirectory code;
  code.Write("text", "not a program", 0644);
  code.Write("garbage", "\x7f garbage", 0755);
  for (const char* const path :
       {"/var/task/text", "/var/task/garbage", "/var/task", "/etc/passwd"}) {
    const Outcome outcome = Run(OfCode(code, {path}));
    EXPECT_THAT(outcome, EndedBy(Ending::kExited)) << path;
    EXPECT_EQ(outcome.exit_code, 126) << path;
  }
}

TEST_P(Starting, AScriptWhoseInterpreterIsMissingExitsLikeInAShell) {
  const TestDirectory code;
  code.Write("script", "#!/nonexistent/interpreter\n", 0755);
  const Outcome outcome = Run(OfCode(code, {"/var/task/script"}));
  EXPECT_THAT(outcome, EndedBy(Ending::kExited));
  EXPECT_EQ(outcome.exit_code, 127);
}

TEST_P(Starting, ARuntimeThatDoesNotExistEndsTheFirstInvocation) {
  FunctionPackage package = FrameServer();
  package.command[0] = "/var/task/nonexistent";
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  const Outcome outcome = Invoke(*instance, "count");
  EXPECT_THAT(outcome, EndedBy(Ending::kExited));
  EXPECT_EQ(outcome.exit_code, 127);
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(Starting, AScriptRuns) {
  const TestDirectory code;
  code.Write("script", "#!/bin/sh\necho \"$1\"; cat\n", 0755);
  EXPECT_EQ(Output(OfCode(code, {"/var/task/script"}), "event"), marker() + "\nevent");
}

TEST_P(Starting, CommandsThatCannotBeAreRefused) {
  ExpectRefused(Command({}), Code::kInvalidArgument, {"command"});
  ExpectRefused(Command({""}), Code::kInvalidArgument, {"command"});
  ExpectRefused(Command({"sh"}), Code::kInvalidArgument, {"command", "sh"});
  ExpectRefused(Command({"/bin/sh", std::string("a\0b", 3)}), Code::kInvalidArgument, {"NUL"});
}

TEST_P(Starting, EnvironmentsThatCannotBeAreRefused) {
  FunctionPackage package = Shell("echo");
  package.env["LONG"] = std::string(1 << 20, 'x');
  ExpectRefused(package, Code::kInvalidArgument, {"env", "bytes", "limit"});
  package.env = {{"NUL", std::string("a\0b", 3)}};
  ExpectRefused(package, Code::kInvalidArgument, {"env", "NUL"});
}

TEST_P(Starting, ALargeEnvironmentArrivesWhole) {
  FunctionPackage package = Command({"/usr/bin/env"});
  package.env.clear();
  std::string expected;
  for (int i = 100; i < 200; ++i) {
    const std::string name = "NAME_" + std::to_string(i),
                      value(1000, static_cast<char>('a' + i % 26));
    package.env[name] = value;
    expected.append(name).append("=").append(value).append("\n");
  }
  expected += "NANOGRID_OUTPUT=/tmp/output\n";
  EXPECT_EQ(Output(package), expected);
}

TEST_P(Starting, ANameTooLongIsRefused) {
  FunctionPackage package = Shell("echo");
  package.name = std::string(600, 'n');
  ExpectRefused(package, Code::kInvalidArgument, {"name"});
}

TEST_P(Starting, FailedStartsLeaveNoDescriptorBehind) {
  FunctionPackage package = Shell("echo");
  package.code_dir = "/nonexistent/code";
  EXPECT_EQ(Output(Shell("echo warm")), "warm\n");
  const size_t before = CountDescriptors();
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(sandbox().Start(Context::WithTimeout(kHang), package).ok());
  }
  EXPECT_EQ(CountDescriptors(), before);
}

// The status of a start with what is required.
Status StartRequiring(LinuxSandboxOptions options, LinuxSandboxOptions::Isolation required,
                      const FunctionPackage& package) {
  options.required = required;
  const auto sandbox = MakeLinuxSandbox(options);
  if (!sandbox.ok()) return sandbox.status();
  return (*sandbox)->Start(Context::WithTimeout(kHang), package).status();
}

TEST_P(Starting, WhatIsNotThereIsNotPretended) {
  LinuxSandboxOptions options = Options();
  options.cgroups = LinuxSandboxOptions::Cgroups::kNone;
  using Isolation = LinuxSandboxOptions::Isolation;
  for (const Isolation required : {Isolation::kLimits, Isolation::kUsers}) {
    const Status status = StartRequiring(options, required, Shell("echo"));
    EXPECT_EQ(status.code(), Code::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("'limits'"));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(GetParam() == Setup::kRootless ? "Delegate=yes" : "cgroup file system"));
  }
  EXPECT_TRUE(StartRequiring(options, Isolation::kNone, Shell("echo")).ok());
}

TEST_P(Starting, WhatIsRequiredAndThereIsTaken) {
  using Isolation = LinuxSandboxOptions::Isolation;
  const bool root = GetParam() != Setup::kRootless;
  EXPECT_EQ(StartRequiring(Options(), Isolation::kLimits, Shell("echo")).ok(), HasCgroups());
  const Status users = StartRequiring(Options(), Isolation::kUsers, Shell("echo"));
  EXPECT_EQ(users.ok(), HasCgroups() && root) << users;
  if (HasCgroups() && !root) {
    EXPECT_THAT(std::string(users.message()), HasSubstr("'users': run as root"));
  }
  const std::string level = !HasCgroups() ? "none" : root ? "users" : "limits";
  EXPECT_EQ(InspectLinuxSandbox(Options()).level, level);
}

TEST(StartingUnprivileged, RootModeIsRefused) {
  if (geteuid() == 0) GTEST_SKIP() << "is root";
  const auto sandbox = MakeLinuxSandbox({.mode = LinuxSandboxOptions::Mode::kRoot});
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  FunctionPackage package;
  package.name = "tested";
  package.code_dir = "/usr";
  package.command = {"/bin/true"};
  const auto instance = (*sandbox)->Start({}, package);
  EXPECT_EQ(instance.status().code(), Code::kFailedPrecondition) << instance.status();
}

TEST(LinuxSandboxUri, NamesTheOptions) {
  for (const char* const good : {"linux:", "linux:?mode=rootless&cgroups=none",
                                 "linux:?mode=root&cgroups=v1&required=limits"}) {
    const auto uri = Uri::Parse(good);
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_TRUE(MakeLinuxSandbox(*uri).ok()) << good;
  }
  for (const char* const bad :
       {"linux:?mode=superuser", "linux:?colour=red", "linux:/path", "linux:?required=maybe"}) {
    const auto uri = Uri::Parse(bad);
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_EQ(MakeLinuxSandbox(*uri).status().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(LinuxSandboxReport, SaysWhatThisMachineOffers) {
  const IsolationReport report = InspectLinuxSandbox();
  EXPECT_TRUE(report.usable);
  EXPECT_THAT(report.mode, geteuid() == 0 ? AnyOf("root", "rootless") : AnyOf("rootless", ""));
  EXPECT_THAT(report.cgroups, AnyOf("v1", "v2", "none"));
  EXPECT_FALSE(report.checks.empty());
  for (const IsolationCheck& check : report.checks) {
    EXPECT_FALSE(check.name.empty());
    EXPECT_NE(check.level, IsolationCheck::Level::kError) << check.name << ": " << check.detail;
  }
}

}  // namespace
}  // namespace nanogrid
