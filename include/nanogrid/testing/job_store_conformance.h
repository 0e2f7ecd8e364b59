// What every JobStore must do (job_store.h). In one source file of a GoogleTest program, in
// namespace nanogrid:
//
//   #include "nanogrid/testing/job_store_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, JobStoreConformance, testing::Values(
//       JobStoreAdapter{"mine", [](const Clock& clock) { return MakeMyEmptyStore(clock); }}));
//
// `make` answers a new, empty store whose times are `clock`'s; it is called once per test. The
// store is used from several threads. Here: records. Then events, and logs, in the files included
// last.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "nanogrid/testing/job_store_conformance_fixture.h"

namespace nanogrid {

TEST_P(JobStoreConformance, ANewJobIsStoredAsAskedFor) {
  Job asked = NewPending(1, "resize");
  asked.version = 7;
  asked.event = std::string("\xff\0\"x", 4);
  asked.idempotency_key = "schlüssel";
  asked.retry = {.max_attempts = 5,
                 .backoff = std::chrono::milliseconds(1500),
                 .max_backoff = std::chrono::minutes(2),
                 .max_age = std::chrono::hours(3)};
  asked.retry_of = Id(99);
  asked.tenant = "acme";
  asked.created = clock_.WallNow() - std::chrono::seconds(3);
  asked.not_before = clock_.WallNow() + std::chrono::seconds(5);
  const Job created = Create(asked);
  for (const Job& job : {created, Get(asked.id)}) {
    EXPECT_TRUE(SameRequest(job, asked));
    EXPECT_EQ(job.id, asked.id);
    EXPECT_EQ(job.idempotency_key, asked.idempotency_key);
    EXPECT_EQ(job.retry_of, asked.retry_of);
    EXPECT_EQ(job.tenant, asked.tenant);
    EXPECT_EQ(job.created, asked.created);
    EXPECT_EQ(job.not_before, asked.not_before);
    EXPECT_EQ(job.due, asked.due);
    EXPECT_EQ(job.state, JobState::kPending);
    EXPECT_EQ(job.attempt, 0u);
    EXPECT_EQ(job.revision, 1u);
    EXPECT_FALSE(job.outcome.has_value());
  }
  EXPECT_EQ(Create(2).created, clock_.WallNow());
}

TEST_P(JobStoreConformance, KeepsInlinePayloadsUpToTheLimit) {
  Job asked = NewPending(1);
  asked.event.assign(JobStore::kMaxInline, '\xfe');
  Create(asked);
  EXPECT_EQ(Get(asked.id).event, asked.event);
  const Job running = Start(Get(asked.id));
  Job next = Ended(running);
  next.outcome->result.assign(JobStore::kMaxInline, '\0');
  Change(running, next);
  EXPECT_EQ(Get(asked.id).outcome->result, next.outcome->result);
  EXPECT_EQ(Get(asked.id).event, asked.event);

  asked = NewPending(2);
  asked.event.clear();
  asked.event_key = "jobs/2/event";
  EXPECT_EQ(Create(asked).event_key, "jobs/2/event");
}

TEST_P(JobStoreConformance, TheSameJobAgainIsTheJobThereIs) {
  const Job created = Create(1);
  const Job running = Start(created);
  const Job again = Create(1);
  EXPECT_EQ(again.state, JobState::kProcessing);
  EXPECT_EQ(again.revision, running.revision);
  Job other = NewPending(1);
  other.event = "1";
  EXPECT_EQ(store_->Create(Context{}, other).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(Get(created.id).event, "{}");
  EXPECT_EQ(ListIds({}, 10).size(), 1u);
}

TEST_P(JobStoreConformance, AnIdempotencyKeyMeansOneJobOfItsFunction) {
  Job asked = NewPending(1);
  asked.idempotency_key = "k";
  Create(asked);
  asked.id = Id(2);
  EXPECT_EQ(Create(asked).id, Id(1));
  asked.event = "1";
  EXPECT_EQ(store_->Create(Context{}, asked).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(store_->Get(Context{}, Id(2)).status().code(), Code::kNotFound);
  asked.function = "g";
  EXPECT_EQ(Create(asked).id, Id(2));
  // No key is no key.
  EXPECT_EQ(Create(3).id, Id(3));
  EXPECT_EQ(Create(4).id, Id(4));
}

TEST_P(JobStoreConformance, StoresNothingOfWhatItRefuses) {
  Job wrong = NewPending(1);
  wrong.retry.max_attempts = 0;
  EXPECT_EQ(store_->Create(Context{}, wrong).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store_->Get(Context{}, wrong.id).status().code(), Code::kNotFound);
  EXPECT_EQ(store_->Get(Context{}, "no id").status().code(), Code::kNotFound);
  const Job running = Start(Create(2));
  Job next = Ended(running);
  next.progress = "not JSON";
  EXPECT_EQ(ChangeCode(running, next), Code::kInvalidArgument);
  EXPECT_EQ(Get(running.id).state, JobState::kProcessing);
  EXPECT_EQ(Get(running.id).revision, running.revision);
}

TEST_P(JobStoreConformance, ATransitionSetsWhatMayChangeAndNothingElse) {
  const Job created = Create(1);
  const Job running = Start(created);
  EXPECT_EQ(running.state, JobState::kProcessing);
  EXPECT_EQ(running.attempt, 1u);
  EXPECT_EQ(running.revision, 2u);
  Job next = running;
  next.state = JobState::kFailed;
  next.lost = 1;
  next.crashes = 1;
  next.revision = 77;   // the store's
  next.function = "g";  // never changes, as what follows
  next.version = 9;
  next.event = "other";
  next.idempotency_key = "other";
  next.created += std::chrono::hours(1);
  next.worker = "host-1";
  next.not_before = clock_.WallNow() + std::chrono::seconds(1);
  next.started = clock_.WallNow() + std::chrono::seconds(2);
  next.finished = clock_.WallNow() + std::chrono::milliseconds(3001);
  next.due = clock_.WallNow() + std::chrono::seconds(4);
  next.progress = R"({"done": 3})";
  next.outcome = Outcome{
      .ending = Ending::kSignaled,
      .result = std::string("\0\xff", 2),
      .result_is_json = false,
      .error = FunctionError{"T", "text", "stack\nof ä"},
      .exit_code = 3,
      .signal = 9,
      .usage = {.wall = Duration(123456789), .cpu = Duration(98765), .peak_memory = 1ull << 40},
      .start = StartKind::kWarm,
      .log_truncated = true};
  next.result_size = 2;
  next.files = 3;
  next.files_key = "jobs/1/files.1/";
  next.dead_letter = "tried enough";
  const Job failed = Change(running, next);
  for (const Job& job : {failed, Get(created.id)}) {
    EXPECT_TRUE(SameRequest(job, created));
    EXPECT_EQ(job.created, created.created);
    EXPECT_EQ(job.idempotency_key, "");
    EXPECT_EQ(job.state, JobState::kFailed);
    EXPECT_EQ(job.attempt, 1u);
    EXPECT_EQ(job.lost, 1u);
    EXPECT_EQ(job.crashes, 1u);
    EXPECT_EQ(job.revision, 3u);
    EXPECT_EQ(job.worker, next.worker);
    EXPECT_EQ(job.not_before, next.not_before);
    EXPECT_EQ(job.started, next.started);
    EXPECT_EQ(job.finished, next.finished);
    EXPECT_EQ(job.due, next.due);
    EXPECT_EQ(job.progress, next.progress);
    EXPECT_EQ(job.result_size, 2u);
    EXPECT_EQ(job.files, 3u);
    EXPECT_EQ(job.files_key, "jobs/1/files.1/");
    EXPECT_EQ(job.dead_letter, next.dead_letter);
    ASSERT_TRUE(job.outcome.has_value());
    EXPECT_EQ(job.outcome->ending, Ending::kSignaled);
    EXPECT_EQ(job.outcome->result, next.outcome->result);
    EXPECT_FALSE(job.outcome->result_is_json);
    EXPECT_EQ(job.outcome->error, next.outcome->error);
    EXPECT_EQ(job.outcome->exit_code, 3);
    EXPECT_EQ(job.outcome->signal, 9);
    EXPECT_EQ(job.outcome->usage.wall, Duration(123456789));
    EXPECT_EQ(job.outcome->usage.cpu, Duration(98765));
    EXPECT_EQ(job.outcome->usage.peak_memory, 1ull << 40);
    EXPECT_EQ(job.outcome->start, StartKind::kWarm);
    EXPECT_TRUE(job.outcome->log_truncated);
  }
}

TEST_P(JobStoreConformance, LongTextsOfAnErrorAreCutButKept) {
  const Job running = Start(Create(1));
  Job next = Ended(running, JobState::kFailed);
  std::string umlauts;
  for (int i = 0; i < 1 << 20; ++i) umlauts += "ä";
  next.outcome = Outcome{.ending = Ending::kException,
                         .error = FunctionError{"E" + umlauts, umlauts, umlauts}};
  const Job failed = Change(running, next);
  ASSERT_TRUE(failed.outcome && failed.outcome->error);
  const FunctionError& error = *failed.outcome->error;
  for (const std::string& text : {error.type, error.message, error.stack}) {
    EXPECT_GE(text.size(), 100u);
    EXPECT_LE(text.size(), JobStore::kMaxInline);
    EXPECT_NE(text.back(), '\xc3');  // no half of a character
  }
  EXPECT_EQ(Get(next.id).outcome->error, failed.outcome->error);
}

TEST_P(JobStoreConformance, WhoIsWrongAboutStateOrAttemptIsAborted) {
  const Job pending = Create(1);
  EXPECT_EQ(ChangeCode(NewPending(2), Started(NewPending(2))), Code::kNotFound);
  const Job first = Start(pending);
  EXPECT_EQ(ChangeCode(pending, Started(pending)), Code::kAborted);
  Job second = Started(first);  // taken over
  second.lost = 1;
  second = Change(first, second);
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_EQ(ChangeCode(first, Ended(first)), Code::kAborted);
  End(second);
  EXPECT_EQ(ChangeCode(second, Ended(second, JobState::kFailed)), Code::kAborted);
  EXPECT_EQ(Get(pending.id).state, JobState::kSuccess);
  EXPECT_EQ(Get(pending.id).revision, 4u);
}

TEST_P(JobStoreConformance, ATerminalStateNeverChanges) {
  using enum JobState;
  uint32_t n = 0;
  for (const JobState end : {kSuccess, kFailed, kCancelled}) {
    const Job ended = End(Start(Create(++n)), end);
    for (const JobState to : {kPending, kProcessing, kSuccess, kFailed, kCancelled}) {
      Job next = Ended(ended, to);
      EXPECT_EQ(ChangeCode(ended, next), Code::kFailedPrecondition) << ToString(to);
    }
    EXPECT_EQ(Get(ended.id).state, end);
    EXPECT_EQ(Get(ended.id).revision, ended.revision);
  }
}

TEST_P(JobStoreConformance, OfManyWhoClaimAJobOneGetsIt) {
  for (uint32_t n = 0; n < 10; ++n) {
    const Job pending = Create(n);
    std::atomic<int> claims = 0;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        const Code code = ChangeCode(pending, Started(pending));
        EXPECT_TRUE(code == Code::kOk || code == Code::kAborted);
        if (code == Code::kOk) ++claims;
      });
    }
    threads.clear();
    EXPECT_EQ(claims, 1);
    EXPECT_EQ(Get(pending.id).attempt, 1u);
  }
}

TEST_P(JobStoreConformance, OfManyWhoCreateWithOneKeyOneDoes) {
  for (uint32_t round = 0; round < 10; ++round) {
    std::mutex mutex;
    std::set<std::string> ids;
    std::vector<std::jthread> threads;
    for (uint32_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        Job job = NewPending(round * 4 + thread);
        job.idempotency_key = std::to_string(round);
        const std::string id = Create(job).id;
        const std::lock_guard lock(mutex);
        ids.insert(id);
      });
    }
    threads.clear();
    EXPECT_EQ(ids.size(), 1u);
  }
  EXPECT_EQ(ListIds({}, 100).size(), 10u);
}

TEST_P(JobStoreConformance, ExtendMovesTheDueTimeOfRunningAttempts) {
  const Job first = Start(Create(1));
  const Job pending = Create(2);
  const Job ended = End(Start(Create(3)));
  const Job taken = Start(Start(Create(4)));
  const JobLease stale{taken.id, 1}, missing{Id(5), 1};
  const std::string end = EventsEnd();
  const SystemTime due = clock_.WallNow() + std::chrono::hours(5);
  const std::vector<JobLease> leases = {Lease(first), Lease(pending), Lease(ended), stale, missing};
  Result<std::vector<JobLease>> lost = store_->Extend(Context{}, leases, due);
  ASSERT_TRUE(lost.ok()) << lost.status();
  ASSERT_EQ(lost->size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*lost)[i].id, leases[i + 1].id);
    EXPECT_EQ((*lost)[i].attempt, leases[i + 1].attempt);
  }
  EXPECT_EQ(Get(first.id).due, due);
  EXPECT_EQ(Get(first.id).revision, first.revision);
  for (const Job& other : {pending, ended, taken}) EXPECT_EQ(Get(other.id).due, other.due);
  EXPECT_EQ(EventsEnd(), end);  // nothing happened
}

TEST_P(JobStoreConformance, WhatIsDueIsAnsweredLongestFirst) {
  const SystemTime now = clock_.WallNow();
  const int seconds_later[] = {5, 1, 9, 3, 7};
  for (uint32_t n = 0; n < 5; ++n) {
    Job job = NewPending(n);
    job.due = now + std::chrono::seconds(seconds_later[n]);
    job.event = "event";
    Create(job);
  }
  EXPECT_TRUE(DueIds(now).empty());
  const SystemTime later = now + std::chrono::seconds(7);
  const std::vector<std::string> all = {Id(1), Id(3), Id(0), Id(4)};
  EXPECT_EQ(DueIds(later), all);
  EXPECT_EQ(DueIds(later, 2), (std::vector<std::string>{Id(1), Id(3)}));
  // Moved by a transition, by Extend, or taken away.
  Job next = Started(Get(Id(1)));
  next.due = now + std::chrono::seconds(6);
  const Job running = Change(Get(Id(1)), next);
  EXPECT_EQ(DueIds(later), (std::vector<std::string>{Id(3), Id(0), Id(1), Id(4)}));
  const std::vector<JobLease> leases = {Lease(running)};
  ASSERT_TRUE(store_->Extend(Context{}, leases, now + std::chrono::hours(1)).ok());
  End(Start(Get(Id(3))));
  ASSERT_TRUE(store_->Remove(Context{}, Id(3)).ok());
  EXPECT_EQ(DueIds(later), (std::vector<std::string>{Id(0), Id(4)}));
  Result<std::vector<Job>> jobs = store_->Due(Context{}, later, 10);
  ASSERT_TRUE(jobs.ok());
  for (const Job& job : *jobs) EXPECT_TRUE(job.event.empty());
}

TEST_P(JobStoreConformance, ARemovedJobTakesEverythingWithIt) {
  Job asked = NewPending(1);
  asked.idempotency_key = "k";
  const Job running = Start(Create(asked));
  ASSERT_EQ(AppendCode(Lease(running), "log"), Code::kOk);
  EXPECT_EQ(store_->Remove(Context{}, asked.id).code(), Code::kFailedPrecondition);
  End(running);
  Create(2);
  ASSERT_TRUE(store_->Remove(Context{}, asked.id).ok());
  ASSERT_TRUE(store_->Remove(Context{}, asked.id).ok());
  EXPECT_EQ(store_->Get(Context{}, asked.id).status().code(), Code::kNotFound);
  EXPECT_EQ(store_->ReadLog(Context{}, asked.id, 0).status().code(), Code::kNotFound);
  EXPECT_EQ(ListIds({}, 10), std::vector{Id(2)});
  for (const JobEvent& event : Events("")) EXPECT_EQ(event.job_id, Id(2));
  // The key is free, and so is the id.
  asked.event = "1";
  EXPECT_EQ(Create(asked).revision, 1u);
  EXPECT_EQ(Log(asked.id), "");
  EXPECT_EQ(Events(asked.id).size(), 1u);
}

}  // namespace nanogrid

#include "nanogrid/testing/job_store_conformance_events.h"
#include "nanogrid/testing/job_store_conformance_lists.h"
