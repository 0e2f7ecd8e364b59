// Jobs on a data directory, in real sandboxes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "engine/status_matchers.h"
#include "engine/temp_directory.h"
#include "nanogrid/adapters/local.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;

class OpenServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!InspectLinuxSandbox().usable) GTEST_SKIP() << "no Linux sandbox on this machine";
    Open();
  }
  void Open(ServiceOptions options = {}) {
    service_.reset();
    options.data = directory_ / "data";
    auto opened = OpenService(options);
    ASSERT_THAT(opened, IsOk());
    service_ = *std::move(opened);
  }
  Controller& controller() { return service_->controller(); }
  void Register(const std::string& script) {
    ASSERT_THAT(controller().engine().Register(
                    {.name = "f", .code = Code::Inline("f.sh", "#!/bin/sh\n" + script)}),
                IsOk());
  }
  Job Submit(std::string event = "1") {
    const auto job = controller().Submit({}, {.function = "f", .event = std::move(event)});
    EXPECT_THAT(job, IsOk());
    return job.value_or(Job{});
  }
  Job Await(const Job& job) {
    const auto done = controller().Await({}, job.id);
    EXPECT_THAT(done, IsOk());
    return done.value_or(Job{});
  }
  std::string WaitForLog(const Job& job) {
    while (true) {
      const auto log = controller().ReadLog({}, job.id, 0);
      EXPECT_THAT(log, IsOk());
      if (!log.ok() || !log->bytes.empty()) return log.value_or(LogChunk{}).bytes;
      std::this_thread::yield();
    }
  }

  TempDirectory directory_;
  std::unique_ptr<Service> service_;
};

TEST_F(OpenServiceTest, AJobRunsAndItsResultAndLogAreFoundAgainLater) {
  Register("echo hello >&2; cat");
  const Job job = Submit("any bytes");
  EXPECT_EQ(Await(job).outcome->result, "any bytes");
  Open();
  const auto found = controller().GetJob({}, job.id);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->state, JobState::kSuccess);
  EXPECT_EQ(found->outcome->result, "any bytes");
  EXPECT_EQ(WaitForLog(job), "hello\n");
}

TEST_F(OpenServiceTest, TheDirectoryIsForItsOwnerAlone) {
  struct stat info = {};
  ASSERT_EQ(::stat((directory_ / "data").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(OpenServiceTest, ARunningJobIsKilledWhenItIsCancelled) {
  Register("echo running >&2; sleep 1000000");
  const Job job = Submit();
  EXPECT_EQ(WaitForLog(job), "running\n");
  ASSERT_THAT(controller().Cancel({}, job.id), IsOk());
  EXPECT_EQ(Await(job).state, JobState::kCancelled);
  service_->Stop({});  // would wait for it
}

TEST_F(OpenServiceTest, WithoutAWorkerJobsWaitForOne) {
  Open({.run_worker = false});
  EXPECT_EQ(service_->worker(), nullptr);
  Register("cat");
  const Job job = Submit();
  Open();
  EXPECT_EQ(Await(job).state, JobState::kSuccess);
}

TEST_F(OpenServiceTest, AnExclusiveServiceIsTheOnlyOne) {
  Open({.exclusive = true});
  EXPECT_THAT(OpenService({.data = directory_ / "data", .exclusive = true}),
              FailsWith(kAlreadyExists, "another controller"));
  EXPECT_THAT(OpenService({.data = directory_ / "data", .run_worker = false}), IsOk());
}

TEST(OpenServiceErrors, NameTheDirectory) {
  const TempDirectory directory;
  directory.Write("file", "");
  EXPECT_THAT(OpenService({}), FailsWith(kInvalidArgument, "data"));
  EXPECT_FALSE(OpenService({.data = directory / "file"}).ok());
  EXPECT_THAT(OpenService({.data = directory / "no/such"}), FailsWith(kNotFound, "no/such"));
}

}  // namespace
}  // namespace nanogrid
