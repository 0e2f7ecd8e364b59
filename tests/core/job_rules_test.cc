#include <gtest/gtest.h>

#include <functional>

#include "nanogrid/job_store.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;

Job NewPending() {
  Job job;
  job.id = "01234567-89ab-4cde-8f01-23456789abcd";
  job.function = "f";
  job.version = 1;
  job.event = "null";
  return job;
}
Job In(JobState state, uint32_t attempt = 1) {
  Job job = NewPending();
  job.state = state;
  job.attempt = attempt;
  if (state == JobState::kSuccess) job.outcome = Outcome{};
  return job;
}

TEST(JobRulesTest, TerminalAreTheThreeEnds) {
  EXPECT_FALSE(IsTerminal(JobState::kPending));
  EXPECT_FALSE(IsTerminal(JobState::kProcessing));
  EXPECT_TRUE(IsTerminal(JobState::kSuccess));
  EXPECT_TRUE(IsTerminal(JobState::kFailed));
  EXPECT_TRUE(IsTerminal(JobState::kCancelled));
}

TEST(JobRulesTest, ANewJobNamesTheFieldThatIsWrong) {
  EXPECT_TRUE(CheckNewJob(NewPending()).ok());
  const struct {
    const char* field;
    std::function<void(Job&)> spoil;
  } cases[] = {
      {"id", [](Job& job) { job.id = "01234567-89AB-4cde-8f01-23456789abcd"; }},
      {"id", [](Job& job) { job.id = "0123456789ab4cde8f0123456789abcd"; }},
      {"name", [](Job& job) { job.function = "a b"; }},
      {"version", [](Job& job) { job.version = 0; }},
      {"event", [](Job& job) { job.event.assign(JobStore::kMaxInline + 1, 'x'); }},
      {"event_key", [](Job& job) { job.event_key = "jobs/1/event"; }},
      {"key", [](Job& job) { job.event = "", job.event_key = "/jobs"; }},
      {"idempotency_key", [](Job& job) { job.idempotency_key.assign(257, 'k'); }},
      {"idempotency_key", [](Job& job) { job.idempotency_key = "\xff"; }},
      {"tenant", [](Job& job) { job.tenant.assign(257, 't'); }},
      {"tenant", [](Job& job) { job.tenant = "a\nb"; }},
      {"files", [](Job& job) { job.files = 1; }},
      {"retry.max_attempts", [](Job& job) { job.retry.max_attempts = 0; }},
      {"retry.max_attempts", [](Job& job) { job.retry.max_attempts = 1001; }},
      {"retry.backoff", [](Job& job) { job.retry.backoff = Duration(-1); }},
      {"retry.max_backoff", [](Job& job) { job.retry.max_backoff = Duration::max(); }},
      {"retry.max_age", [](Job& job) { job.retry.max_age = Duration(0); }},
      {"retry_of", [](Job& job) { job.retry_of = "x"; }},
      {"PENDING", [](Job& job) { job.state = JobState::kProcessing; }},
      {"attempt", [](Job& job) { job.attempt = 1; }},
  };
  for (const auto& [field, spoil] : cases) {
    Job job = NewPending();
    spoil(job);
    const Status status = CheckNewJob(job);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << field;
    EXPECT_NE(std::string(status.message()).find(field), std::string::npos) << status;
  }
}

TEST(JobRulesTest, AnEventOfAnyBytesIsFine) {
  Job job = NewPending();
  job.event = std::string("\xff\0\x01", 3);
  EXPECT_TRUE(CheckNewJob(job).ok());
}

TEST(JobRulesTest, OnlyJobsThatHaveNotEndedChange) {
  using enum JobState;
  for (const JobState from : {kSuccess, kFailed, kCancelled}) {
    for (const JobState to : {kPending, kProcessing, kSuccess, kFailed, kCancelled}) {
      EXPECT_EQ(CheckTransition(In(from), In(to)).code(), Code::kFailedPrecondition)
          << ToString(from) << " " << ToString(to);
    }
  }
  for (const JobState to : {kPending, kProcessing, kSuccess, kFailed, kCancelled}) {
    EXPECT_TRUE(CheckTransition(In(kProcessing), In(to)).ok()) << ToString(to);
  }
  EXPECT_EQ(CheckTransition(In(kPending), In(kSuccess)).code(), Code::kFailedPrecondition);
  for (const JobState to : {kPending, kFailed, kCancelled}) {
    EXPECT_TRUE(CheckTransition(In(kPending), In(to)).ok()) << ToString(to);
  }
}

TEST(JobRulesTest, OnlyStartsCountAttempts) {
  using enum JobState;
  EXPECT_TRUE(CheckTransition(In(kPending, 0), In(kProcessing, 1)).ok());
  EXPECT_FALSE(CheckTransition(In(kPending, 1), In(kProcessing, 1)).ok());
  EXPECT_FALSE(CheckTransition(In(kPending, 0), In(kProcessing, 2)).ok());
  EXPECT_FALSE(CheckTransition(In(kPending, 0), In(kPending, 1)).ok());
  EXPECT_FALSE(CheckTransition(In(kProcessing, 2), In(kPending, 1)).ok());
  EXPECT_FALSE(CheckTransition(In(kProcessing, 1), In(kSuccess, 2)).ok());
  // Another worker takes over.
  EXPECT_TRUE(CheckTransition(In(kProcessing, 1), In(kProcessing, 2)).ok());
}

TEST(JobRulesTest, LostAttemptsAreCountedUpAndWereAttempts) {
  Job stored = In(JobState::kProcessing, 2);
  stored.lost = 1;
  Job next = stored;
  next.lost = 2;
  EXPECT_TRUE(CheckTransition(stored, next).ok());
  next.lost = 3;
  EXPECT_FALSE(CheckTransition(stored, next).ok());
  next.lost = 0;
  EXPECT_FALSE(CheckTransition(stored, next).ok());
}

TEST(JobRulesTest, WhatATransitionSetsIsWithinBounds) {
  const struct {
    const char* field;
    JobState state;
    std::function<void(Job&)> spoil;
  } cases[] = {
      {"id", JobState::kFailed, [](Job& job) { job.id = "other"; }},
      {"worker", JobState::kFailed, [](Job& job) { job.worker.assign(257, 'w'); }},
      {"progress", JobState::kFailed, [](Job& job) { job.progress.assign(4097, '1'); }},
      {"progress", JobState::kFailed, [](Job& job) { job.progress = "{"; }},
      {"dead_letter", JobState::kPending, [](Job& job) { job.dead_letter = "why"; }},
      {"outcome", JobState::kSuccess, [](Job& job) { job.outcome.reset(); }},
      {"outcome", JobState::kSuccess, [](Job& job) { job.outcome->ending = Ending::kExited; }},
      {"result", JobState::kSuccess,
       [](Job& job) { job.outcome->result.assign(JobStore::kMaxInline + 1, '1'); }},
      {"result_key", JobState::kSuccess,
       [](Job& job) { job.outcome->result = "1", job.result_key = "jobs/1/result"; }},
  };
  for (const auto& [field, state, spoil] : cases) {
    Job next = In(state);
    spoil(next);
    const Status status = CheckTransition(In(JobState::kProcessing), next);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << field;
    EXPECT_NE(std::string(status.message()).find(field), std::string::npos) << status;
  }
}

TEST(JobRulesTest, TheSameRequestIsFunctionVersionEventAndRetries) {
  const Job job = NewPending();
  Job other = job;
  other.id = "11234567-89ab-4cde-8f01-23456789abcd";
  other.retry_of = job.id;
  other.created += std::chrono::seconds(1);
  EXPECT_TRUE(SameRequest(job, other));
  const std::function<void(Job&)> differences[] = {
      [](Job& changed) { changed.function = "g"; }, [](Job& changed) { changed.version = 2; },
      [](Job& changed) { changed.event = "1"; }, [](Job& changed) { changed.event_key = "k"; },
      [](Job& changed) { changed.retry.max_attempts = 2; }};
  for (const auto& change : differences) {
    Job changed = other;
    change(changed);
    EXPECT_FALSE(SameRequest(job, changed));
  }
}

}  // namespace
}  // namespace nanogrid
