// Every decision about jobs, by table.
#include "engine/job_life.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/job_message.h"
#include "engine/status_matchers.h"

namespace nanogrid {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint32_t kMaxCrashes = 3;
constexpr Duration kRetention = hours(24);
const SystemTime kNow = SystemTime(hours(24 * 365 * 60));

Job JobIn(JobState state, uint32_t attempt = 0) {
  return {.id = "00000000-0000-4000-8000-000000000001",
          .function = "f",
          .version = 7,
          .created = kNow - seconds(10),
          .state = state,
          .attempt = attempt,
          .not_before = kNow - seconds(10),
          .due = kNow + seconds(5)};
}
Job Running(uint32_t attempt = 1, uint32_t max_attempts = 1) {
  Job job = JobIn(JobState::kProcessing, attempt);
  job.retry.max_attempts = max_attempts;
  return job;
}
DeliveryAction ActionFor(const Job& job) { return DecideDelivery(job, kMaxCrashes, kNow).action; }
Outcome EndedWith(Ending ending, std::string result = {}) {
  return {.ending = ending, .result = std::move(result)};
}
Job After(const Job& job, const Result<Outcome>& outcome, const StoredResult& stored = {}) {
  return Ended(job, outcome, stored, kNow, kRetention);
}

TEST(JobDelivery, APendingJobRuns) {
  EXPECT_EQ(ActionFor(JobIn(JobState::kPending)), DeliveryAction::kRun);
}

TEST(JobDelivery, WhatHasEndedIsDropped) {
  for (const JobState state : {JobState::kSuccess, JobState::kFailed, JobState::kCancelled}) {
    EXPECT_EQ(ActionFor(JobIn(state, 1)), DeliveryAction::kDrop) << ToString(state);
  }
}

TEST(JobDelivery, ARunningJobIsDroppedWhetherItsLeaseLastsOrNot) {
  Job job = Running(2);
  EXPECT_EQ(ActionFor(job), DeliveryAction::kDrop);
  job.due = kNow - hours(1);
  EXPECT_EQ(ActionFor(job), DeliveryAction::kDrop) << "the sweeper gives it back";
}

TEST(JobDelivery, AJobThatCameBackFromASilentWorkerStartsAgain) {
  Job running = Running(2);
  running.due = kNow;
  const Job job = DecideDue(running, kNow).next;
  EXPECT_EQ(ActionFor(job), DeliveryAction::kRun);
  const Job next = Started(job, "w2", kNow, seconds(10));
  EXPECT_EQ(next.attempt, 3u);
  EXPECT_EQ(next.lost, 1u);
  EXPECT_EQ(next.crashes, 1u);
  EXPECT_EQ(next.worker, "w2");
  EXPECT_EQ(next.due, kNow + seconds(10));
  EXPECT_THAT(CheckTransition(job, next), IsOk());
}

TEST(JobDelivery, AStartForgetsTheProgressOfTheLastAttempt) {
  Job job = JobIn(JobState::kPending, 1);
  job.progress = "50";
  const Job next = Started(job, "w", kNow, seconds(10));
  EXPECT_EQ(next.progress, "");
  EXPECT_EQ(next.lost, 0u);
  EXPECT_EQ(next.started, kNow);
}

TEST(JobDelivery, WhatMayNotBeginYetWaits) {
  Job job = JobIn(JobState::kPending);
  job.not_before = kNow + seconds(9);
  const DeliveryDecision decision = DecideDelivery(job, kMaxCrashes, kNow);
  EXPECT_EQ(decision.action, DeliveryAction::kWait);
  EXPECT_EQ(decision.wait, seconds(9));
}

// Else such a worker would take jobs from the others, and give them back for hours.
TEST(JobDelivery, WhoseCalendarIsBehindDoesNotWaitForIt) {
  Job job = JobIn(JobState::kPending);
  job.not_before = job.created = kNow + hours(1);
  EXPECT_EQ(ActionFor(job), DeliveryAction::kRun);
  job.started = kNow + hours(2);
  job.not_before = job.started + seconds(9);
  EXPECT_EQ(DecideDelivery(job, kMaxCrashes, kNow).wait, seconds(9));
}

TEST(JobDelivery, WhatIsTooOldFails) {
  Job job = JobIn(JobState::kPending);
  job.retry.max_age = seconds(10);
  EXPECT_EQ(ActionFor(job), DeliveryAction::kRun) << "just in time";
  job.created -= milliseconds(1);
  const DeliveryDecision decision = DecideDelivery(job, kMaxCrashes, kNow);
  EXPECT_EQ(decision.action, DeliveryAction::kFail);
  EXPECT_NE(decision.reason.find("max_age"), std::string::npos);
}

TEST(JobDelivery, WhatWillBeTooOldWhenItMayBeginFailsAtOnce) {
  Job job = JobIn(JobState::kPending);
  job.retry.max_age = seconds(20);
  job.not_before = kNow + seconds(11);
  EXPECT_EQ(ActionFor(job), DeliveryAction::kFail);
}

TEST(JobDelivery, AJobThatWorkersDieOfFails) {
  Job job = JobIn(JobState::kPending, 3);
  job.lost = 3;  // given back as often as you like
  job.crashes = kMaxCrashes - 1;
  EXPECT_EQ(ActionFor(job), DeliveryAction::kRun);
  job.crashes = kMaxCrashes;
  EXPECT_EQ(ActionFor(job), DeliveryAction::kFail);
  Job running = Running(3);
  running.crashes = kMaxCrashes - 1;
  running.due = kNow;
  EXPECT_EQ(ActionFor(DecideDue(running, kNow).next), DeliveryAction::kFail);
}

TEST(JobEnd, AnAnswerIsASuccessThatExpires) {
  const Job next = After(Running(), EndedWith(Ending::kReturned, "42"));
  EXPECT_EQ(next.state, JobState::kSuccess);
  EXPECT_EQ(next.finished, kNow);
  EXPECT_EQ(next.due, kNow + kRetention);
  EXPECT_EQ(next.outcome->result, "42");
  EXPECT_EQ(next.result_size, 2u);
  EXPECT_EQ(next.dead_letter, "");
}

TEST(JobEnd, AStoredResultIsNamedNotKept) {
  const Job next =
      After(Running(), EndedWith(Ending::kReturned, "long"), {.key = "jobs/x/result.1", .size = 4});
  EXPECT_EQ(next.result_key, "jobs/x/result.1");
  EXPECT_EQ(next.result_size, 4u);
  EXPECT_EQ(next.outcome->result, "");
}

TEST(JobEnd, EveryFailureOfTheOnlyAttemptIsADeadLetter) {
  for (const Ending ending : {Ending::kException, Ending::kExited, Ending::kSignaled,
                              Ending::kTimeout, Ending::kOutOfMemory, Ending::kTooManyProcesses,
                              Ending::kOutputLimit, Ending::kViolation}) {
    const Job next = After(Running(), EndedWith(ending));
    EXPECT_EQ(next.state, JobState::kFailed) << ToString(ending);
    EXPECT_EQ(next.outcome->ending, ending);
    EXPECT_EQ(next.dead_letter, "failed in attempt 1 of 1");
    EXPECT_EQ(next.due, kNow + kRetention);
  }
}

TEST(JobEnd, AFailureWithAttemptsLeftComesAgainLaterAndLater) {
  const Duration expected[] = {seconds(1), seconds(2), seconds(4), seconds(5)};
  for (uint32_t attempt = 1; attempt <= 4; ++attempt) {
    Job job = Running(attempt, 5);
    job.retry.max_backoff = seconds(5);
    const Job next = After(job, EndedWith(Ending::kException));
    EXPECT_EQ(next.state, JobState::kPending);
    EXPECT_EQ(next.not_before, kNow + expected[attempt - 1]) << attempt;
    EXPECT_EQ(next.due, next.not_before + kPendingGrace);
    EXPECT_EQ(next.outcome->ending, Ending::kException) << "of the latest attempt";
    EXPECT_THAT(CheckTransition(job, next), IsOk());
  }
  EXPECT_EQ(After(Running(5, 5), EndedWith(Ending::kException)).state, JobState::kFailed);
}

TEST(JobEnd, LostAttemptsAreNotFailures) {
  Job job = Running(5, 2);
  job.lost = 4;
  EXPECT_EQ(After(job, EndedWith(Ending::kException)).state, JobState::kPending);
  job.lost = 3;
  EXPECT_EQ(After(job, EndedWith(Ending::kException)).state, JobState::kFailed);
}

TEST(JobEnd, ThereIsNoAttemptBeyondTheMaximumAge) {
  Job job = Running(1, 5);
  job.retry.backoff = seconds(4);
  job.retry.max_age = seconds(13);  // it is 10 s old
  const Job next = After(job, EndedWith(Ending::kException));
  EXPECT_EQ(next.state, JobState::kFailed);
  EXPECT_NE(next.dead_letter.find("max_age"), std::string::npos);
}

TEST(JobEnd, WhatTheEngineCannotDoNowComesAgain) {
  for (const Status& error : {absl::UnavailableError("x"), absl::ResourceExhaustedError("x")}) {
    Job job = Running(2);
    job.lost = 1;
    const Job next = After(job, error);
    EXPECT_EQ(next.state, JobState::kPending);
    EXPECT_EQ(next.lost, 2u);
    EXPECT_EQ(next.not_before, kNow + seconds(10));
  }
}

TEST(JobEnd, WhatTheEngineCannotDoAtAllIsADeadLetterThatSaysWhy) {
  const Job next = After(Running(1, 10), absl::NotFoundError("function 'f' does not exist"));
  EXPECT_EQ(next.state, JobState::kFailed);
  EXPECT_EQ(next.outcome->error->type, "Engine");
  EXPECT_EQ(next.outcome->error->message, "function 'f' does not exist");
  EXPECT_EQ(next.dead_letter, "the engine cannot run it");
}

TEST(JobEnd, AnAttemptThatWasStoppedNeverWas) {
  for (const Result<Outcome>& outcome :
       {Result<Outcome>(EndedWith(Ending::kCancelled)), Result<Outcome>(absl::CancelledError())}) {
    const Job job = Running(1, 3);
    const Job next = After(job, outcome);
    EXPECT_EQ(next.state, JobState::kPending);
    EXPECT_EQ(next.attempt, 1u);
    EXPECT_EQ(next.lost, 1u);
    EXPECT_EQ(next.not_before, kNow);
    EXPECT_FALSE(next.outcome.has_value());
    EXPECT_THAT(CheckTransition(job, next), IsOk());
  }
}

TEST(JobEnd, ACancelledJobSaysSoAndExpires) {
  const Job job = JobIn(JobState::kPending);
  const Job next = Cancelled(job, kNow, kRetention);
  EXPECT_EQ(next.state, JobState::kCancelled);
  EXPECT_EQ(next.outcome->ending, Ending::kCancelled);
  EXPECT_EQ(next.outcome->error->message, "cancelled before it could run");
  EXPECT_EQ(Cancelled(Running(), kNow, kRetention).outcome->error->message,
            "cancelled while it ran");
  EXPECT_EQ(next.due, kNow + kRetention);
  EXPECT_THAT(CheckTransition(job, next), IsOk());
}

TEST(JobEnd, ADeadLetterKeepsTheOutcomeOfItsLatestAttempt) {
  Job job = JobIn(JobState::kPending, 1);
  EXPECT_EQ(Failed(job, "why", kNow, kRetention).outcome->error->type, "Engine");
  job.outcome = EndedWith(Ending::kSignaled);
  EXPECT_EQ(Failed(job, "why", kNow, kRetention).outcome->ending, Ending::kSignaled);
}

TEST(JobDue, WhatHasEndedExpires) {
  EXPECT_TRUE(DecideDue(JobIn(JobState::kFailed, 1), kNow).expired);
}

TEST(JobDue, ARunningJobHasLostItsWorker) {
  const Job job = Running(2);
  const DueDecision decision = DecideDue(job, kNow);
  ASSERT_FALSE(decision.expired);
  EXPECT_EQ(decision.next.state, JobState::kPending);
  EXPECT_EQ(decision.next.lost, 1u);
  EXPECT_EQ(decision.next.crashes, 1u);
  EXPECT_EQ(decision.next.attempt, 2u);
  EXPECT_THAT(CheckTransition(job, decision.next), IsOk());
}

TEST(JobDue, APendingJobIsLookedAtEverMoreRarely) {
  const std::pair<Duration, Duration> waited_and_next[] = {{seconds(0), kPendingGrace},
                                                           {seconds(30), minutes(2)},
                                                           {minutes(10), minutes(40)},
                                                           {hours(1), hours(1)},
                                                           {hours(24 * 365 * 9), hours(1)}};
  for (const auto& [waited, next] : waited_and_next) {
    Job job = JobIn(JobState::kPending);
    job.created = job.not_before = kNow - std::chrono::floor<milliseconds>(waited);
    EXPECT_EQ(DecideDue(job, kNow).next.due, Later(kNow, next)) << waited.count();
  }
}

TEST(JobTimes, NeverOverflow) {
  EXPECT_EQ(Later(kNow, Duration::max()), Later(kNow, Duration::max()));
  EXPECT_EQ(Later(SystemTime::max() - milliseconds(1), seconds(1)), SystemTime::max());
  EXPECT_EQ(Backoff(1000, seconds(1), Duration::max()), Duration::max());
  EXPECT_EQ(Backoff(1000, Duration(0), minutes(1)), Duration(0));
  EXPECT_EQ(Backoff(1, minutes(2), minutes(1)), minutes(1));
}

TEST(JobMessages, NameTheJobAndItsFunction) {
  Job job = JobIn(JobState::kPending);
  job.event = R"({"a":1})";
  const Message message = JobMessage(job, kNow);
  EXPECT_TRUE(message.body.starts_with(R"({"job_id":"00000000-0000-4000-8000-000000000001",)"
                                       R"("function_id":"f","code":"7",)"))
      << message.body;
  EXPECT_EQ(message.delay, Duration(0));
  const auto notice = ReadJobMessage(message.body);
  ASSERT_THAT(notice, IsOk());
  EXPECT_EQ(notice->job_id, job.id);
  EXPECT_EQ(notice->function, "f");
  EXPECT_EQ(notice->code, "7");
  job.not_before = kNow + seconds(3);
  EXPECT_EQ(JobMessage(job, kNow).delay, seconds(3));
  job.not_before = kNow + hours(3);
  EXPECT_EQ(JobMessage(job, kNow).delay, Queue::kMaxDelay);
}

TEST(JobMessages, TellAllThatWasAskedFor) {
  Job job = JobIn(JobState::kPending);
  job.idempotency_key = "k\"\n";
  job.tenant = "t";
  job.retry_of = "00000000-0000-4000-8000-000000000002";
  job.retry = {.max_attempts = 3, .backoff = milliseconds(1500), .max_age = hours(7)};
  const std::string events[] = {"",
                                "null",
                                "{\"ä\": \"\\u0000\"}",
                                std::string("\0\xff", 2),
                                std::string(JobStore::kMaxInline, '\x01'),
                                std::string(JobStore::kMaxInline, '\xff')};
  for (const std::string& event : events) {
    job.event = event;
    const Message message = JobMessage(job, kNow);
    EXPECT_LE(message.body.size(), Queue::kMaxBody);
    const auto notice = ReadJobMessage(message.body);
    ASSERT_THAT(notice, IsOk());
    EXPECT_EQ(notice->job.event, event);
    EXPECT_EQ(notice->job.idempotency_key, job.idempotency_key);
    EXPECT_EQ(notice->job.tenant, "t");
    EXPECT_EQ(notice->job.retry_of, job.retry_of);
    EXPECT_EQ(notice->job.retry, job.retry);
    EXPECT_EQ(notice->job.created, job.created);
  }
  job.event.clear();
  job.event_key = "jobs/x/event.1";
  EXPECT_EQ(ReadJobMessage(JobMessage(job, kNow).body)->job.event_key, job.event_key);
}

TEST(JobMessages, OfOtherProgramsMayTellLess) {
  const auto notice = ReadJobMessage(
      R"({"job_id": "00000000-0000-4000-8000-000000000001", "function_id": "f",
          "code": "functions/f.py", "event": {"a": [1, 2]}, "more": null})");
  ASSERT_THAT(notice, IsOk());
  EXPECT_EQ(notice->code, "functions/f.py");
  EXPECT_EQ(notice->job.event, R"({"a":[1,2]})");
  EXPECT_EQ(ReadJobMessage(R"({"job_id": "x"})")->job.event, "null");
}

TEST(JobMessages, DeadLettersSayWhy) {
  Job job = JobIn(JobState::kFailed, 3);
  job.dead_letter = "failed in attempt 3 of 3";
  const auto dead = DeadLetterMessage(job);
  EXPECT_NE(dead.body.find(R"("reason":"failed in attempt 3 of 3","attempts":3)"),
            std::string::npos)
      << dead.body;
  EXPECT_EQ(ReadJobMessage(dead.body)->job_id, job.id);
  const std::string odd(Queue::kMaxBody, '\xff');
  EXPECT_LE(DeadLetterMessage(odd, absl::InvalidArgumentError("no")).body.size(), Queue::kMaxBody);
}

TEST(JobMessages, AreRefusedIfTheyNameNone) {
  for (const char* body :
       {"", "{", "[]", "{}", "7", R"({"job_id": 7})", R"({"id": "x"})",
        R"({"job_id": "x", "retry": 7})", R"({"job_id": "x", "event_key": 1})"}) {
    EXPECT_THAT(ReadJobMessage(body), FailsWith(absl::StatusCode::kInvalidArgument, "message"))
        << body;
  }
}

}  // namespace
}  // namespace nanogrid
