#include <limits>

#include "core/errors.h"
#include "core/job_rules.h"
#include "core/names.h"
#include "sqlite/job_log.h"
#include "sqlite/job_rows.h"
#include "sqlite/schema.h"
#include "sqlite/stores.h"

namespace nanogrid::sqlite {
namespace {

Status AddToCount(Connection& connection, JobState state, int64_t change) {
  return AddToCounter(connection, ToString(state), change).status();
}

Status InsertEvent(Connection& connection, int64_t number, const StoredJob& stored,
                   SystemTime now) {
  const Job& job = stored.job;
  return Query(connection,
               "INSERT INTO events(number, job, revision, state, attempt, time, progress) "
               "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
               number, stored.number, job.revision, static_cast<int>(job.state), job.attempt, now,
               job.progress)
      .Run();
}

Result<std::vector<JobEvent>> ReadEvents(Query& query) {
  std::vector<JobEvent> events;
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
    if (!row) return events;
    events.push_back({.cursor = query.Bytes(0),
                      .job_id = query.Bytes(1),
                      .function = query.Bytes(2),
                      .revision = query.Int<uint32_t>(3),
                      .state = query.Int<JobState>(4),
                      .attempt = query.Int<uint32_t>(5),
                      .time = query.Time(6),
                      .progress = query.Bytes(7)});
  }
}

class SqliteJobStore final : public JobStore {
 public:
  SqliteJobStore(std::shared_ptr<Database> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<Job> Create(const Context& context, const Job& job) override {
    NANOGRID_RETURN_IF_ERROR(CheckNewJob(job));
    Job answer;
    const auto change = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(auto existing, FindJob(connection, job.id, Payloads::kLoad));
      if (!existing && !job.idempotency_key.empty()) {
        NANOGRID_ASSIGN_OR_RETURN(existing,
                                  FindJobByKey(connection, job.function, job.idempotency_key));
      }
      if (existing) {
        NANOGRID_ASSIGN_OR_RETURN(answer, AnswerExisting(existing->job, job));
        return absl::OkStatus();
      }
      const SystemTime now = clock_.WallNow();
      StoredJob stored{.job = NewJob(job, now)};
      // A job has the number of its first event.
      NANOGRID_ASSIGN_OR_RETURN(stored.number, AddToCounter(connection, kLastEventCounter, 1));
      NANOGRID_RETURN_IF_ERROR(InsertJob(connection, stored));
      NANOGRID_RETURN_IF_ERROR(InsertEvent(connection, stored.number, stored, now));
      NANOGRID_RETURN_IF_ERROR(AddToCount(connection, stored.job.state, 1));
      answer = std::move(stored.job);
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(database_->Write(context, clock_, Topic::kEvents, change));
    return answer;
  }

  Result<Job> Get(const Context& context, std::string_view id) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::optional<StoredJob> found;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(found, FindJob(connection, id, Payloads::kLoad));
      return absl::OkStatus();
    }));
    if (!found) return NoSuchJob(id);
    return std::move(found->job);
  }

  Result<JobPage> List(const Context& context, const JobFilter& filter, std::string_view cursor,
                       size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto before, ReadJobCursor(cursor, filter));
    constexpr auto kNone = std::numeric_limits<int64_t>::max();
    std::vector<StoredJob> rows;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      const int64_t below = before ? static_cast<int64_t>(*before) : kNone;
      NANOGRID_ASSIGN_OR_RETURN(rows, ListJobs(connection, filter, below, limit + 1));
      return absl::OkStatus();
    }));
    JobPage page;
    if (rows.size() > limit) {  // there are more
      rows.pop_back();
      page.cursor = MakeJobCursor(filter, static_cast<uint64_t>(rows.back().number));
    }
    for (StoredJob& row : rows) page.jobs.push_back(std::move(row.job));
    return page;
  }

  Result<Job> Transition(const Context& context, const JobLease& expected, JobState expected_state,
                         const Job& next) override {
    StoredJob stored;
    const auto change = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(auto found, FindJob(connection, expected.id, Payloads::kLoad));
      if (!found) return NoSuchJob(expected.id);
      const Job& before = found->job;
      NANOGRID_RETURN_IF_ERROR(CheckExpected(before, expected, expected_state));
      NANOGRID_RETURN_IF_ERROR(CheckTransition(before, next));
      stored = {.number = found->number, .job = ChangedJob(before, next)};
      NANOGRID_RETURN_IF_ERROR(UpdateJob(connection, stored, before));
      NANOGRID_ASSIGN_OR_RETURN(const int64_t event,
                                AddToCounter(connection, kLastEventCounter, 1));
      NANOGRID_RETURN_IF_ERROR(InsertEvent(connection, event, stored, clock_.WallNow()));
      if (before.state == stored.job.state) return absl::OkStatus();
      NANOGRID_RETURN_IF_ERROR(AddToCount(connection, before.state, -1));
      return AddToCount(connection, stored.job.state, 1);
    };
    NANOGRID_RETURN_IF_ERROR(database_->Write(context, clock_, Topic::kEvents, change));
    return std::move(stored.job);
  }

  Result<std::vector<JobLease>> Extend(const Context& context, std::span<const JobLease> leases,
                                       SystemTime due) override {
    std::vector<JobLease> lost;
    const auto change = [&](Connection& connection) -> Status {
      for (const JobLease& lease : leases) {
        Query update(connection,
                     "UPDATE jobs SET due = ?4 WHERE id = ?1 AND state = ?2 AND attempt = ?3",
                     lease.id, static_cast<int>(JobState::kProcessing), lease.attempt, due);
        NANOGRID_RETURN_IF_ERROR(update.Run());
        if (connection.Changes() == 0) lost.push_back(lease);
      }
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(database_->Write(context, clock_, Topic::kNothing, change));
    return lost;
  }

  Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<Job> jobs;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(auto rows, DueJobs(connection, now, limit));
      for (StoredJob& row : rows) jobs.push_back(std::move(row.job));
      return absl::OkStatus();
    }));
    return jobs;
  }

  Status Remove(const Context& context, std::string_view id) override {
    const auto change = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const auto found, FindJob(connection, id, Payloads::kLeaveOut));
      if (!found) return absl::OkStatus();
      if (!IsTerminal(found->job.state)) return NotTerminal(found->job);
      NANOGRID_RETURN_IF_ERROR(DeleteJob(connection, found->number));
      return AddToCount(connection, found->job.state, -1);
    };
    return database_->Write(context, clock_, Topic::kNothing, change);
  }

  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t after, ReadEventCursor(cursor));
    std::vector<JobEvent> events;
    while (!context.stop.stop_requested()) {
      const uint64_t seen = database_->Changes(Topic::kEvents);
      NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
        NANOGRID_ASSIGN_OR_RETURN(events, job_id.empty()
                                              ? AllEvents(connection, after, limit)
                                              : EventsOf(connection, job_id, after, limit));
        return absl::OkStatus();
      }));
      if (!events.empty() || !context.Check(clock_.Now()).ok()) break;
      database_->WaitForChange(context, clock_, Topic::kEvents, seen);
    }
    return events;
  }

  Result<std::string> EventsEnd(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    int64_t last = 0;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      Query query(connection, "SELECT value FROM counters WHERE name = ?1", kLastEventCounter);
      NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
      if (row) last = query.Int(0);
      return absl::OkStatus();
    }));
    return std::to_string(last);
  }

  Status AppendLog(const Context& context, const JobLease& lease, std::string_view bytes) override {
    return database_->Write(context, clock_, Topic::kNothing, [&](Connection& connection) {
      return AppendToLog(connection, lease, bytes);
    });
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    LogChunk chunk;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(chunk, ReadFromLog(connection, id, offset, max_bytes));
      return absl::OkStatus();
    }));
    return chunk;
  }

  Result<std::vector<uint64_t>> Count(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<uint64_t> counts;
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      for (size_t state = 0; state < kJobStates; ++state) {
        Query query(connection, "SELECT value FROM counters WHERE name = ?1",
                    ToString(static_cast<JobState>(state)));
        NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
        counts.push_back(row ? query.Int<uint64_t>(0) : 0);
      }
      return absl::OkStatus();
    }));
    return counts;
  }

 private:
  static Result<std::vector<JobEvent>> AllEvents(Connection& connection, uint64_t after,
                                                 size_t limit) {
    Query query(connection,
                "SELECT e.number, j.id, j.function, e.revision, e.state, e.attempt, e.time, "
                "e.progress FROM events e CROSS JOIN jobs j ON j.number = e.job "
                "WHERE e.number > ?1 ORDER BY e.number LIMIT ?2",
                after, limit);
    return ReadEvents(query);
  }
  static Result<std::vector<JobEvent>> EventsOf(Connection& connection, std::string_view id,
                                                uint64_t after, size_t limit) {
    Query query(connection,
                "SELECT e.number, j.id, j.function, e.revision, e.state, e.attempt, e.time, "
                "e.progress FROM jobs j CROSS JOIN events e ON e.job = j.number "
                "WHERE j.id = ?3 AND e.number > ?1 ORDER BY e.number LIMIT ?2",
                after, limit, id);
    return ReadEvents(query);
  }

  const std::shared_ptr<Database> database_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<JobStore> MakeJobStore(std::shared_ptr<Database> database, const Clock& clock) {
  return std::make_unique<SqliteJobStore>(std::move(database), clock);
}

}  // namespace nanogrid::sqlite
