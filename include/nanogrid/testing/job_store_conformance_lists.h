// Part of job_store_conformance.h: lists, counts, logs, contexts.
#pragma once

#include <algorithm>
#include <map>
#include <thread>

#include "nanogrid/testing/job_store_conformance_fixture.h"

namespace nanogrid {

TEST_P(JobStoreConformance, ListsNewestFirstByFunctionAndState) {
  using enum JobState;
  EXPECT_TRUE(ListIds({}, 10).empty());
  const struct {
    const char* function;
    JobState state;
  } jobs[] = {{"f", kPending}, {"g", kPending}, {"f", kProcessing}, {"f", kSuccess},
              {"g", kSuccess}, {"f", kFailed},  {"f", kSuccess},    {"g", kCancelled},
              {"f", kPending}, {"f-", kSuccess}};
  std::map<std::pair<std::string, std::optional<JobState>>, std::vector<std::string>> expected;
  uint32_t n = 0;
  for (const auto& [function, state] : jobs) {
    Job job = Create(++n, function);
    if (state != kPending) job = Start(job);
    if (IsTerminal(state)) job = End(job, state);
    for (const std::string& name : {std::string(), job.function}) {
      for (const auto& in : {std::optional<JobState>(), std::optional(state)}) {
        auto& ids = expected[{name, in}];
        ids.insert(ids.begin(), job.id);
      }
    }
  }
  for (const char* function : {"", "f", "g", "f-", "none"}) {
    for (const auto& state :
         {std::optional<JobState>(), std::optional(kPending), std::optional(kProcessing),
          std::optional(kSuccess), std::optional(kFailed), std::optional(kCancelled)}) {
      for (const size_t limit : {1u, 2u, 3u, 1000u}) {
        EXPECT_EQ(ListIds({function, state}, limit), (expected[{function, state}])) << function;
      }
    }
  }
}

TEST_P(JobStoreConformance, ListsWithoutPayloads) {
  Job asked = NewPending(1);
  asked.event = "event";
  asked.idempotency_key = "k";
  End(Start(Create(asked)));
  Result<JobPage> page = store_->List(Context{}, {});
  ASSERT_TRUE(page.ok() && page->jobs.size() == 1) << page.status();
  EXPECT_EQ(page->cursor, "");
  const Job& job = page->jobs[0];
  EXPECT_EQ(job.event, "");
  ASSERT_TRUE(job.outcome.has_value());
  EXPECT_EQ(job.outcome->result, "");
  EXPECT_EQ(job.idempotency_key, "k");
  EXPECT_EQ(job.state, JobState::kSuccess);
  EXPECT_EQ(job.revision, 3u);
}

// Whatever happens between two pages: what is in the list all the time is in the pages once.
TEST_P(JobStoreConformance, CursorsStayRightWhileTheListChanges) {
  for (uint32_t n = 0; n < 40; ++n) Create(n);
  std::vector<std::string> ids;
  std::string cursor;
  uint32_t created = 40;
  do {
    Result<JobPage> page = store_->List(Context{}, {"f", JobState::kPending}, cursor, 5);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_FALSE(page->jobs.empty());
    for (const Job& job : page->jobs) ids.push_back(job.id);
    cursor = page->cursor;
    Create(created++);                                       // at the front
    const Job seen = End(Start(Get(page->jobs.back().id)));  // the cursor's own job goes
    ASSERT_TRUE(store_->Remove(Context{}, seen.id).ok());
    if (ids.size() == 5) End(Start(Get(Id(1))));  // one that was not seen yet goes
  } while (!cursor.empty());
  std::vector<std::string> expected;
  for (uint32_t n = 40; n-- > 0;) {
    if (n != 1) expected.push_back(Id(n));
  }
  EXPECT_EQ(ids, expected);
}

TEST_P(JobStoreConformance, RefusesForeignJobCursorsAndWrongLimits) {
  for (uint32_t n = 0; n < 3; ++n) Create(n);
  Result<JobPage> page = store_->List(Context{}, {"f", {}}, {}, 1);
  ASSERT_TRUE(page.ok() && !page->cursor.empty());
  const auto code = [&](const JobFilter& filter, const std::string& cursor, size_t limit) {
    return store_->List(Context{}, filter, cursor, limit).status().code();
  };
  EXPECT_EQ(code({"g", {}}, page->cursor, 1), Code::kInvalidArgument);
  EXPECT_EQ(code({"f", JobState::kPending}, page->cursor, 1), Code::kInvalidArgument);
  EXPECT_EQ(code({"f", {}}, "?", 1), Code::kInvalidArgument);
  EXPECT_EQ(code({"f", {}}, page->cursor + "x", 1), Code::kInvalidArgument);
  for (const size_t limit : {0u, 1001u}) {
    EXPECT_EQ(code({}, "", limit), Code::kInvalidArgument);
    EXPECT_EQ(store_->Due(Context{}, clock_.WallNow(), limit).status().code(),
              Code::kInvalidArgument);
    EXPECT_EQ(store_->Events(Context{}, "", "", limit).status().code(), Code::kInvalidArgument);
  }
}

TEST_P(JobStoreConformance, CountsJobsByState) {
  using enum JobState;
  const auto counts = [&] { return store_->Count(Context{}).value(); };
  EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 0, 0, 0}));
  for (uint32_t n = 0; n < 6; ++n) Create(n);
  Create(0);  // the same
  Start(Get(Id(1)));
  for (uint32_t n = 2; n < 5; ++n) Start(Get(Id(n)));
  End(Get(Id(2)));
  End(Get(Id(3)), kFailed);
  End(Get(Id(4)), kCancelled);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 1, 1, 1, 1}));
  ASSERT_TRUE(store_->Remove(Context{}, Id(3)).ok());
  EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 1, 1, 0, 1}));
}

TEST_P(JobStoreConformance, ALogIsReadFromAnyOffset) {
  const Job running = Start(Create(1));
  std::string log;
  for (int i = 0; i < 50; ++i) {
    std::string bytes(static_cast<size_t>(i * 7), static_cast<char>(i));
    EXPECT_EQ(AppendCode(Lease(running), bytes), Code::kOk);
    log += bytes;
  }
  EXPECT_EQ(Log(running.id), log);
  for (const size_t piece : {1000u, 97u, 7u}) EXPECT_EQ(Log(running.id, piece), log);
  Result<LogChunk> chunk = store_->ReadLog(Context{}, running.id, 5000, 10);
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->bytes, log.substr(5000, 10));
  EXPECT_EQ(chunk->next, 5010u);
  for (const uint64_t offset : {uint64_t{log.size()}, uint64_t{1} << 40}) {
    chunk = store_->ReadLog(Context{}, running.id, offset);
    ASSERT_TRUE(chunk.ok());
    EXPECT_EQ(chunk->bytes, "");
    EXPECT_EQ(chunk->next, offset);
  }
  EXPECT_EQ(store_->ReadLog(Context{}, Id(2), 0).status().code(), Code::kNotFound);
}

TEST_P(JobStoreConformance, OnlyTheRunningAttemptMayWriteTheLog) {
  const Job pending = Create(1);
  EXPECT_EQ(AppendCode({pending.id, 0}, "no"), Code::kAborted);
  const Job first = Start(pending);
  EXPECT_EQ(AppendCode(Lease(first), "one "), Code::kOk);
  const Job second = Start(first);
  EXPECT_EQ(AppendCode(Lease(first), "stale"), Code::kAborted);
  EXPECT_EQ(AppendCode(Lease(second), "two"), Code::kOk);
  End(second);
  EXPECT_EQ(AppendCode(Lease(second), "late"), Code::kAborted);
  EXPECT_EQ(AppendCode({Id(9), 1}, "none"), Code::kAborted);
  EXPECT_EQ(Log(pending.id), "one two");
}

TEST_P(JobStoreConformance, LogsOfManyJobsGrowAtOnce) {
  std::vector<std::jthread> threads;
  for (uint32_t n = 0; n < 4; ++n) {
    threads.emplace_back([&, n] {
      const Job running = Start(Create(n));
      for (int i = 0; i < 30; ++i) {
        EXPECT_EQ(AppendCode(Lease(running), std::to_string(n) + "\n"), Code::kOk);
      }
    });
  }
  threads.clear();
  for (uint32_t n = 0; n < 4; ++n) {
    std::string expected;
    for (int i = 0; i < 30; ++i) expected += std::to_string(n) + "\n";
    EXPECT_EQ(Log(Id(n)), expected);
  }
}

TEST_P(JobStoreConformance, AnEndedContextEndsTheCall) {
  const Job running = Start(Create(1));
  std::stop_source stop;
  stop.request_stop();
  const Context context = Context::WithStop(stop.get_token());
  const std::vector<JobLease> leases = {Lease(running)};
  EXPECT_EQ(store_->Create(context, NewPending(2)).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->Get(context, running.id).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->List(context, {}).status().code(), Code::kCancelled);
  EXPECT_EQ(
      store_->Transition(context, Lease(running), running.state, Ended(running)).status().code(),
      Code::kCancelled);
  EXPECT_EQ(store_->Extend(context, leases, {}).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->Due(context, {}, 1).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->Remove(context, running.id).code(), Code::kCancelled);
  EXPECT_EQ(store_->EventsEnd(context).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->AppendLog(context, leases[0], "x").code(), Code::kCancelled);
  EXPECT_EQ(store_->ReadLog(context, running.id, 0).status().code(), Code::kCancelled);
  EXPECT_EQ(store_->Count(context).status().code(), Code::kCancelled);
  const auto events = store_->Events(context, "", "");
  EXPECT_TRUE(events.ok() && events->empty());
  EXPECT_EQ(Get(running.id).revision, running.revision);
  EXPECT_EQ(ListIds({}, 10).size(), 1u);
}

}  // namespace nanogrid
