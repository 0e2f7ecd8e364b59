// Result files through a real sandbox: what the function does with its output directory.
#include <sys/stat.h>

#include <map>
#include <string>

#include "sandbox/keeping_sink.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class OutputFiles : public SandboxTest {
 protected:
  Outcome Collect(Instance& instance, std::string_view event) {
    sink_.files.clear();
    CollectedLog log;
    Result<Outcome> outcome = instance.Invoke(
        Context::WithTimeout(kHang), {.request_id = "r", .event = event, .files = &sink_}, log);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    if (outcome.ok()) {
      EXPECT_THAT(*outcome, EndedBy(Ending::kReturned)) << log.text();
    }
    return outcome.ok() ? *std::move(outcome) : Outcome{};
  }
  Outcome Collect(const FunctionPackage& package, std::string_view event = "") {
    const std::unique_ptr<Instance> instance = Start(package);
    return instance ? Collect(*instance, event) : Outcome{};
  }
  static std::map<std::string, std::string> Refused(const Outcome& outcome) {
    std::map<std::string, std::string> refused;
    for (const OutputFile& file : outcome.refused_files) refused[file.path] = file.reason;
    return refused;
  }

  KeepingSink sink_;
};
INSTANTIATE_SANDBOX_TESTS(OutputFiles);

TEST_P(OutputFiles, TheDirectoryIsTheFunctionsOwnAndEmpty) {
  EXPECT_EQ(Output(Shell("echo $NANOGRID_OUTPUT; stat -c '%a %u %g' $NANOGRID_OUTPUT; "
                         "ls -A $NANOGRID_OUTPUT; ls -A /tmp")),
            "/tmp/output\n700 1000 1000\noutput\n");
}

TEST_P(OutputFiles, AProgramsFilesAreCollectedWhenItIsDead) {
  const Outcome outcome =
      Collect(Shell("cd $NANOGRID_OUTPUT; echo one > one; mkdir -p a/b; echo two > a/b/two"));
  EXPECT_THAT(sink_.files, ElementsAre(Pair("a/b/two", "two\n"), Pair("one", "one\n")));
  EXPECT_THAT(outcome.refused_files, IsEmpty());
}

TEST_P(OutputFiles, ADescendantOfAProgramThatKeepsWritingIsDeadBefore) {
  for (int round = 0; round < 10; ++round) {
    const Outcome outcome =
        Collect(Shell("cd $NANOGRID_OUTPUT; echo first > first; "
                      "(while :; do ln -sf /etc/passwd x; rm -f x; echo y > x; rm -f x; done) & "
                      "exit 0"));
    EXPECT_EQ(sink_.files["first"], "first\n");
    for (const auto& [path, reason] : Refused(outcome)) EXPECT_EQ(reason, "is a symbolic link");
  }
}

TEST_P(OutputFiles, AProcessThatKeepsWritingAfterTheAnswerIsHeldStillOrKilled) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  const Outcome outcome = Collect(
      *instance,
      "shell:cd /tmp/output; echo first > first; "
      "(while :; do ln -sf /etc/passwd x; rm -f x; echo y > x; rm -f x; done) >/dev/null 2>&1 & :");
  EXPECT_EQ(sink_.files["first"], "first\n");
  for (const auto& [path, reason] : Refused(outcome)) EXPECT_EQ(reason, "is a symbolic link");
  EXPECT_EQ(instance->Reusable(), HasCgroups());
  if (!HasCgroups()) return;
  EXPECT_THAT(Collect(*instance, "echo:1"), Returned("1"));
}

TEST_P(OutputFiles, AWarmInstanceStartsWithAnEmptyDirectory) {
  if (!HasCgroups()) GTEST_SKIP() << "needs cgroups: what cannot be frozen is killed";
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  for (int round = 0; round < 3; ++round) {
    const std::string name = "f" + std::to_string(round);
    const Outcome outcome =
        Collect(*instance, "shell:ls -A /tmp/output; echo x > /tmp/output/" + name +
                               "; mkdir -p /tmp/output/d/e; "
                               "ln -s / /tmp/output/d/root");
    EXPECT_THAT(outcome, Returned("\"\""));
    EXPECT_THAT(sink_.files, ElementsAre(Pair(name, "x\n")));
    EXPECT_THAT(Refused(outcome), ElementsAre(Pair("d/root", "is a symbolic link")));
    ASSERT_TRUE(instance->Reusable());
  }
}

TEST_P(OutputFiles, AWarmInstanceStartsWithAnEmptyDirectoryThoughNobodyCollects) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  // In one go as fast as can be, since times of change are coarse; and where nothing is left.
  for (const char* const leave :
       {"echo x > /tmp/output/f", "echo x > /tmp/output/f", ":", ":", "mkdir /tmp/output/d", ":",
        "ln -s / /tmp/output/l", ":", "echo x > /tmp/output/f",
        "mv /tmp/output /tmp/away; mkdir /tmp/output; echo x > /tmp/output/f; rm -r /tmp/away",
        "rmdir /tmp/output", "mkdir /tmp/output; echo x > /tmp/output/f", ":"}) {
    EXPECT_THAT(Invoke(*instance, "shell:ls -A /tmp/output 2>/dev/null; " + std::string(leave)),
                Returned("\"\""))
        << leave;
    ASSERT_TRUE(instance->Reusable()) << leave;
  }
}

TEST_P(OutputFiles, FilesBesideTheDirectoryStay) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  Invoke(*instance, "shell:echo x > /tmp/kept; echo x > /tmp/output/gone");
  EXPECT_THAT(Collect(*instance, "shell:ls -A /tmp /tmp/output"),
              Returned("\"/tmp:\\nkept\\noutput\\n\\n/tmp/output:\\n\""));
}

TEST_P(OutputFiles, ADirectoryThatWasReplacedByALinkIsNotFollowed) {
  for (const char* const target : {"/", "/etc", "/proc/self/fd", "/tmp/mine"}) {
    const Outcome outcome =
        Collect(Shell("mkdir /tmp/mine; echo x > /tmp/mine/x; rmdir /tmp/output; "
                      "ln -s " +
                      std::string(target) + " /tmp/output"));
    EXPECT_THAT(sink_.files, IsEmpty());
    EXPECT_THAT(Refused(outcome), ElementsAre(Pair(".", HasSubstr("not a directory"))));
  }
}

TEST_P(OutputFiles, ADirectoryThatWasReplacedByALinkEndsTheInstance) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  Invoke(*instance, "shell:rmdir /tmp/output; ln -s /tmp /tmp/output");
  const Result<Outcome> outcome =
      instance->Invoke({}, {.request_id = "r", .event = "count", .files = &sink_}, LogSink::Null());
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kUnavailable) << outcome.status();
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(OutputFiles, ADirectoryThatWasMadeAgainOrRemovedIsFine) {
  EXPECT_THAT(
      Collect(Shell("rmdir /tmp/output; mkdir /tmp/output; echo x > /tmp/output/x")).refused_files,
      IsEmpty());
  EXPECT_THAT(sink_.files, ElementsAre(Pair("x", "x\n")));
  EXPECT_THAT(Collect(Shell("rm -r /tmp/output")).refused_files, IsEmpty());
  EXPECT_THAT(sink_.files, IsEmpty());
}

TEST_P(OutputFiles, AMountPointOrBindOfTheHostCannotBeSmuggledIn) {
  // What a function can reach by path it can only copy: links to it are refused.
  const Outcome outcome =
      Collect(Shell("cd $NANOGRID_OUTPUT; ln /etc/passwd hard 2>/dev/null; "
                    "ln -s /proc/1/root root; ln /dev/null null 2>/dev/null; :"));
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_THAT(Refused(outcome), ElementsAre(Pair("root", "is a symbolic link")));
}

TEST_P(OutputFiles, TheLimitsOfThePackageCount) {
  FunctionPackage package = Shell("cd $NANOGRID_OUTPUT; for i in 1 2 3 4 5; do echo $i > $i; done");
  package.limits.max_files = 4;
  const Outcome outcome = Collect(package);
  EXPECT_EQ(sink_.files.size(), 4u);
  ASSERT_EQ(outcome.refused_files.size(), 1u);
  EXPECT_THAT(outcome.refused_files[0].reason, HasSubstr("more than 4"));

  package = Shell("cd $NANOGRID_OUTPUT; echo x > small; truncate -s 3M sparse");
  package.limits.tmp_size = 2 << 20;
  EXPECT_THAT(Refused(Collect(package)), ElementsAre(Pair("sparse", HasSubstr("2097152"))));
  EXPECT_THAT(sink_.files, ElementsAre(Pair("small", "x\n")));
}

TEST_P(OutputFiles, NothingIsCollectedUnlessItReturned) {
  const auto instance = Start(Shell("echo x > $NANOGRID_OUTPUT/x; exit 3"));
  ASSERT_TRUE(instance);
  const Result<Outcome> outcome =
      instance->Invoke({}, {.request_id = "r", .event = "", .files = &sink_}, LogSink::Null());
  ASSERT_TRUE(outcome.ok());
  EXPECT_THAT(*outcome, EndedBy(Ending::kExited));
  EXPECT_THAT(sink_.files, IsEmpty());
}

TEST_P(OutputFiles, WhatHeldTheFunctionIsSaid) {
  const IsolationReport report = InspectLinuxSandbox(Options());
  const std::string expected = "linux " + report.mode + " cgroups=" + report.cgroups;
  FunctionPackage package = Shell(":");
  EXPECT_THAT(Run(package).isolation, testing::StartsWith(expected));
  EXPECT_EQ(Run(package).isolation == expected, HasCgroups());
  package.grants.network = Network::kHost;
  EXPECT_THAT(Run(package).isolation, testing::EndsWith(" network=host"));
}

}  // namespace
}  // namespace nanogrid
