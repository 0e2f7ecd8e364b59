// What the tests of job_store_conformance.h are told, and what they have in common.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nanogrid/job_store.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {

struct JobStoreAdapter {
  std::string name{};
  std::function<std::unique_ptr<JobStore>(const Clock&)> make{};
};
inline void PrintTo(const JobStoreAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class JobStoreConformance : public testing::TestWithParam<JobStoreAdapter> {
 protected:
  using Code = absl::StatusCode;

  void SetUp() override {
    store_ = GetParam().make(clock_);
    ASSERT_NE(store_, nullptr);
  }

  // The n-th id: they are not in the order of n.
  static std::string Id(uint32_t n) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string id = "00000000-0000-4000-8000-000000000000";
    uint32_t mixed = n * 2654435761u;  // odd, so no two are the same
    for (int i = 0; i < 8; ++i, mixed >>= 4) id[static_cast<size_t>(i)] = kDigits[mixed & 15];
    return id;
  }
  Job NewPending(uint32_t n, std::string function = "f") const {
    Job job;
    job.id = Id(n);
    job.function = std::move(function);
    job.version = 1;
    job.event = "{}";
    job.due = clock_.WallNow() + std::chrono::minutes(1);
    return job;
  }
  static JobLease Lease(const Job& job) { return {job.id, job.attempt}; }

  Job Create(const Job& job) {
    Result<Job> created = store_->Create(Context{}, job);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? *created : Job{};
  }
  Job Create(uint32_t n, std::string function = "f") {
    return Create(NewPending(n, std::move(function)));
  }
  Job Get(const std::string& id) {
    Result<Job> job = store_->Get(Context{}, id);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : Job{};
  }
  // `next` as it is to become, from `stored` as it is thought to be.
  Job Change(const Job& stored, const Job& next) {
    Result<Job> changed = store_->Transition(Context{}, Lease(stored), stored.state, next);
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() ? *changed : Job{};
  }
  Code ChangeCode(const Job& stored, const Job& next) {
    return store_->Transition(Context{}, Lease(stored), stored.state, next).status().code();
  }
  static Job Started(Job job) {
    job.state = JobState::kProcessing;
    ++job.attempt;
    job.worker = "w";
    return job;
  }
  static Job Ended(Job job, JobState state = JobState::kSuccess) {
    job.state = state;
    if (state == JobState::kSuccess) job.outcome = Outcome{.result = "42"};
    return job;
  }
  Job Start(const Job& job) { return Change(job, Started(job)); }
  Job End(const Job& job, JobState state = JobState::kSuccess) {
    return Change(job, Ended(job, state));
  }

  std::vector<std::string> ListIds(const JobFilter& filter, size_t limit) {
    std::vector<std::string> ids;
    std::string cursor;
    do {
      Result<JobPage> page = store_->List(Context{}, filter, cursor, limit);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->jobs.size(), limit);
      for (const Job& job : page->jobs) ids.push_back(job.id);
      cursor = page->cursor;
    } while (!cursor.empty());
    return ids;
  }
  std::vector<std::string> DueIds(SystemTime now, size_t limit = 100) {
    std::vector<std::string> ids;
    Result<std::vector<Job>> jobs = store_->Due(Context{}, now, limit);
    EXPECT_TRUE(jobs.ok()) << jobs.status();
    if (jobs.ok()) {
      for (const Job& job : *jobs) ids.push_back(job.id);
    }
    return ids;
  }
  // Those there are; waits if there is none.
  std::vector<JobEvent> Events(const std::string& job_id, const std::string& cursor = {},
                               size_t limit = 1000) {
    Result<std::vector<JobEvent>> events = store_->Events(Context{}, job_id, cursor, limit);
    EXPECT_TRUE(events.ok()) << events.status();
    return events.ok() ? *events : std::vector<JobEvent>{};
  }
  std::string EventsEnd() {
    Result<std::string> cursor = store_->EventsEnd(Context{});
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    return cursor.ok() ? *cursor : "";
  }
  // The log, read in pieces.
  std::string Log(const std::string& id, size_t piece = 1 << 20) {
    std::string log;
    while (true) {
      Result<LogChunk> chunk = store_->ReadLog(Context{}, id, log.size(), piece);
      EXPECT_TRUE(chunk.ok()) << chunk.status();
      if (!chunk.ok() || chunk->bytes.empty()) return log;
      EXPECT_LE(chunk->bytes.size(), piece);
      log += chunk->bytes;
      EXPECT_EQ(chunk->next, log.size());
    }
  }
  Code AppendCode(const JobLease& lease, std::string_view bytes) {
    return store_->AppendLog(Context{}, lease, bytes).code();
  }

  FakeClock clock_;
  std::unique_ptr<JobStore> store_;
};

}  // namespace nanogrid
