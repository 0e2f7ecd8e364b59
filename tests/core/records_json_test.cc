#include "nanogrid/records_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

using boost::json::parse;

Job FinishedJob() {
  Job job;
  job.id = "0b9d2d6e-2b0f-4b57-9a2e-5a5a4b3f1c11";
  job.function = "resize";
  job.version = 3;
  job.idempotency_key = "order \"7\"";
  job.retry = {.max_attempts = 4, .backoff = std::chrono::milliseconds(250)};
  job.created = SystemTime(std::chrono::milliseconds(1'772'271'000'123));
  job.started = job.created + std::chrono::seconds(1);
  job.finished = job.created + std::chrono::seconds(3);
  job.due = job.finished + std::chrono::hours(24);
  job.state = JobState::kFailed;
  job.attempt = 4;
  job.lost = 1;
  job.revision = 9;
  job.worker = "host-12-ab";
  job.progress = R"({"done":0.5})";
  job.outcome = Outcome{
      .ending = Ending::kExited,
      .error = FunctionError{"exited", "exited with code 3", "line 1\nline 2"},
      .exit_code = 3,
      .usage = {.wall = std::chrono::microseconds(12'345), .cpu = std::chrono::milliseconds(2)},
      .start = StartKind::kWarm,
      .refused_files = {{.path = "a/\"b", .reason = "is a FIFO"}},
      .isolation = "linux root cgroups=v1"};
  job.tenant = "acme";
  job.files = 12;
  job.dead_letter = "4 of 4 attempts failed";
  return job;
}

TEST(RecordsJson, AJobIsReadBackAsItWas) {
  const Job job = FinishedJob();
  const Result<Job> again = ParseJob(JobJson(job));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(JobJson(*again), JobJson(job));
  EXPECT_EQ(again->created, job.created);
  EXPECT_EQ(again->retry, job.retry);
  EXPECT_EQ(again->outcome->error, job.outcome->error);
  EXPECT_EQ(again->outcome->usage.wall, job.outcome->usage.wall);
  EXPECT_EQ(again->outcome->refused_files, job.outcome->refused_files);
  EXPECT_EQ(again->tenant, "acme");
  EXPECT_EQ(again->files, 12u);
}

TEST(RecordsJson, AJobHasTheNamesOfTheApi) {
  const auto object = parse(JobJson(FinishedJob())).as_object();
  EXPECT_EQ(object.at("job_id"), "0b9d2d6e-2b0f-4b57-9a2e-5a5a4b3f1c11");
  EXPECT_EQ(object.at("status"), "FAILED");
  EXPECT_EQ(object.at("created"), "2026-02-28T09:30:00.123Z");
  EXPECT_EQ(object.at("ending"), "exited");
  EXPECT_EQ(object.at("progress"), parse(R"({"done":0.5})"));
  EXPECT_EQ(object.at("usage").at("wall_ms"), 12.345);
  EXPECT_FALSE(object.contains("event"));
}

TEST(RecordsJson, APendingJobHasNothingThatHasNotHappened) {
  const Job job{.id = "1", .function = "f", .version = 1};
  const auto object = parse(JobJson(job)).as_object();
  EXPECT_EQ(object.at("status"), "PENDING");
  EXPECT_TRUE(object.at("started").is_null());
  EXPECT_FALSE(object.contains("ending"));
  EXPECT_FALSE(object.contains("expires"));
  EXPECT_FALSE(ParseJob(JobJson(job))->outcome);
}

TEST(RecordsJson, AnEventIsReadBackAsItWas) {
  const JobEvent event{.cursor = "17",
                       .job_id = "1",
                       .function = "f",
                       .revision = 2,
                       .state = JobState::kProcessing,
                       .attempt = 1,
                       .time = SystemTime(std::chrono::milliseconds(1)),
                       .progress = "[1,2]"};
  EXPECT_EQ(*ParseEvent(EventJson(event)), event);
}

TEST(RecordsJson, AFunctionIsReadBackAsItWas) {
  FunctionVersion version{.name = "f",
                          .number = 7,
                          .code_digest = "ab",
                          .runtime = "python3",
                          .handler = "f.handler",
                          .env = {{"A", "b=c"}},
                          .sandbox = "linux"};
  version.limits.timeout = std::chrono::milliseconds(1500);
  version.limits.cpus = 0.25;
  const Result<FunctionVersion> again = ParseFunction(FunctionJson(version));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->SameDefinition(version));
  EXPECT_EQ(again->number, 7u);
}

TEST(RecordsJson, AnErrorNamesItsFieldAndIsReadBack) {
  const Status error = absl::InvalidArgumentError("max_attempts: 0, must be from 1 to 1000");
  EXPECT_EQ(parse(ErrorJson(error)).at("error"),
            parse(R"({"code": "INVALID_ARGUMENT", "field": "max_attempts",
                      "message": "max_attempts: 0, must be from 1 to 1000"})"));
  EXPECT_EQ(ParseError(ErrorJson(error)), error);
  FunctionSpec spec;
  const Status setting = ApplySetting(spec, "memory", "lots");
  EXPECT_EQ(parse(ErrorJson(setting)).at("error").at("field"), "memory");
  const Status other = absl::NotFoundError("no function 'x: y'");
  EXPECT_TRUE(parse(ErrorJson(other)).at("error").at("field").is_null());
  EXPECT_EQ(ParseError(ErrorJson(other)), other);
  EXPECT_EQ(ParseError("<html>").code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(ParseError(R"({"error": {"code": "NEW"}})").code(), absl::StatusCode::kUnknown);
}

TEST(RecordsJson, WhatIsNoRecordIsRefused) {
  for (const char* const text : {"", "[]", "{}", "{\"job_id\": 7}", "{\"job_id\": \"a\"}",
                                 R"({"job_id": "a", "status": "LOST"})",
                                 R"({"job_id": "a", "status": "FAILED", "ending": "melted"})"}) {
    EXPECT_EQ(ParseJob(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_FALSE(ParseEvent(text).ok()) << text;
    EXPECT_FALSE(ParseFunction(text).ok()) << text;
  }
}

TEST(RecordsJson, TimesAreReadAsTheyAreWritten) {
  for (const int64_t ms : {0LL, 1LL, 951'782'399'999LL, 1'772'271'000'123LL, 4'102'444'800'000LL}) {
    const SystemTime time{std::chrono::milliseconds(ms)};
    const Result<SystemTime> again = ParseTime(FormatTime(time));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, time);
  }
  for (const char* const text : {"", "now", "2026-02-30T00:00:00.000Z", "2026-02-28T24:00:00.000Z",
                                 "2026-02-28T09:30:00Z", "2026-02-28T09:30:00.000Z "}) {
    EXPECT_FALSE(ParseTime(text).ok()) << text;
  }
}

TEST(RetrySettings, AreReadByName) {
  RetryPolicy retry;
  EXPECT_TRUE(ApplyRetrySetting(retry, "max_attempts", "3").ok());
  EXPECT_TRUE(ApplyRetrySetting(retry, "backoff", "500ms").ok());
  EXPECT_TRUE(ApplyRetrySetting(retry, "max_backoff", "1m").ok());
  EXPECT_TRUE(ApplyRetrySetting(retry, "max_age", "2h").ok());
  EXPECT_EQ(retry, (RetryPolicy{3, std::chrono::milliseconds(500), std::chrono::minutes(1),
                                std::chrono::hours(2)}));
  EXPECT_TRUE(ValidateRetry(retry).ok());
  EXPECT_EQ(ApplyRetrySetting(retry, "max_attempts", "-1").message(),
            "max_attempts: '-1', must be a whole number from 1 to 1000");
  EXPECT_FALSE(ApplyRetrySetting(retry, "attempts", "1").ok());
  EXPECT_FALSE(ValidateRetry({.max_attempts = 0}).ok());
  EXPECT_FALSE(ValidateRetry({.max_age = std::chrono::hours(24 * 366)}).ok());
}

TEST(RetrySettings, OfAJobChangeOnlyWhatIsGiven) {
  const RetryPolicy function{3, std::chrono::seconds(2), std::chrono::minutes(1),
                             std::chrono::hours(2)};
  RetryChanges changes;
  EXPECT_EQ(changes.AppliedTo(function), function);
  EXPECT_TRUE(ApplyRetrySetting(changes, "max_attempts", "1").ok());
  RetryPolicy expected = function;
  expected.max_attempts = 1;
  EXPECT_EQ(changes.AppliedTo(function), expected);
  for (const char* const name : {"backoff", "max_backoff", "max_age"}) {
    EXPECT_TRUE(ApplyRetrySetting(changes, name, "5s").ok());
  }
  EXPECT_EQ(
      changes.AppliedTo(function),
      (RetryPolicy{1, std::chrono::seconds(5), std::chrono::seconds(5), std::chrono::seconds(5)}));
  EXPECT_FALSE(ApplyRetrySetting(changes, "attempts", "1").ok());
  EXPECT_FALSE(ApplyRetrySetting(changes, "max_attempts", "-1").ok());
}

}  // namespace
}  // namespace nanogrid
