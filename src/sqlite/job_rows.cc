#include "sqlite/job_rows.h"

#include "core/errors.h"
#include "core/stored_json.h"

// The columns that ReadRow reads, in its order.
#define NANOGRID_JOB_COLUMNS                                                                  \
  "SELECT number, id, function, version, event_key, idempotency_key, max_attempts, backoff, " \
  "max_backoff, max_age, retry_of, created, state, attempt, lost, revision, worker, "         \
  "not_before, started, finished, due, progress, outcome, result_key, result_size, "          \
  "dead_letter, crashes, tenant, files, files_key FROM jobs "

namespace nanogrid::sqlite {
namespace {

enum Kind { kEvent = 0, kResult = 1 };  // in `payloads`

Result<StoredJob> ReadRow(const Query& row) {
  StoredJob stored{.number = row.Int(0)};
  Job& job = stored.job;
  job.id = row.Bytes(1);
  job.function = row.Bytes(2);
  job.version = row.Int<uint64_t>(3);
  job.event_key = row.Bytes(4);
  job.idempotency_key = row.Bytes(5);
  job.retry = {.max_attempts = row.Int<uint32_t>(6),
               .backoff = Duration(row.Int(7)),
               .max_backoff = Duration(row.Int(8)),
               .max_age = Duration(row.Int(9))};
  job.retry_of = row.Bytes(10);
  job.created = row.Time(11);
  job.state = row.Int<JobState>(12);
  job.attempt = row.Int<uint32_t>(13);
  job.lost = row.Int<uint32_t>(14);
  job.revision = row.Int<uint32_t>(15);
  job.worker = row.Bytes(16);
  job.not_before = row.Time(17);
  job.started = row.Time(18);
  job.finished = row.Time(19);
  job.due = row.Time(20);
  job.progress = row.Bytes(21);
  if (!row.IsNull(22)) {
    NANOGRID_ASSIGN_OR_RETURN(job.outcome, ParseOutcomeJson(row.Bytes(22)));
  }
  job.result_key = row.Bytes(23);
  job.result_size = row.Int<uint64_t>(24);
  job.dead_letter = row.Bytes(25);
  job.crashes = row.Int<uint32_t>(26);
  job.tenant = row.Bytes(27);
  job.files = row.Int<uint32_t>(28);
  job.files_key = row.Bytes(29);
  return stored;
}

Result<std::vector<StoredJob>> ReadRows(Query& query) {
  std::vector<StoredJob> rows;
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
    if (!row) return rows;
    NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, ReadRow(query));
    rows.push_back(std::move(stored));
  }
}

Status LoadPayloads(Connection& connection, StoredJob& stored) {
  Query query(connection, "SELECT kind, bytes FROM payloads WHERE job = ?1", stored.number);
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
    if (!row) return absl::OkStatus();
    if (query.Int(0) == kEvent) stored.job.event = query.Bytes(1);
    if (query.Int(0) == kResult && stored.job.outcome) stored.job.outcome->result = query.Bytes(1);
  }
}

Status StorePayload(Connection& connection, int64_t number, Kind kind, std::string_view bytes) {
  if (bytes.empty()) {
    return Query(connection, "DELETE FROM payloads WHERE job = ?1 AND kind = ?2", number,
                 static_cast<int>(kind))
        .Run();
  }
  return Query(connection, "INSERT OR REPLACE INTO payloads(job, kind, bytes) VALUES(?1, ?2, ?3)",
               number, static_cast<int>(kind), Blob{bytes})
      .Run();
}

std::string_view ResultOf(const Job& job) {
  return job.outcome ? std::string_view(job.outcome->result) : std::string_view();
}

std::optional<std::string> OutcomeText(const Job& job) {
  if (!job.outcome) return std::nullopt;
  return OutcomeJson(*job.outcome);
}

// The only row of `query`, if there is one.
Result<std::optional<StoredJob>> ReadOne(Connection& connection, Query& query, Payloads payloads) {
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  if (!row) return std::nullopt;
  NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, ReadRow(query));
  if (payloads == Payloads::kLoad) NANOGRID_RETURN_IF_ERROR(LoadPayloads(connection, stored));
  return stored;
}

}  // namespace

Result<std::optional<StoredJob>> FindJob(Connection& connection, std::string_view id,
                                         Payloads payloads) {
  Query query(connection, NANOGRID_JOB_COLUMNS "WHERE id = ?1", id);
  return ReadOne(connection, query, payloads);
}

Result<std::optional<StoredJob>> FindJobByKey(Connection& connection, std::string_view function,
                                              std::string_view key) {
  Query query(connection, NANOGRID_JOB_COLUMNS "WHERE function = ?1 AND idempotency_key = ?2",
              function, key);
  return ReadOne(connection, query, Payloads::kLoad);
}

// One statement per kind of filter, each along an index of its own.
Result<std::vector<StoredJob>> ListJobs(Connection& connection, const JobFilter& filter,
                                        int64_t before, size_t limit) {
  const int state = filter.state ? static_cast<int>(*filter.state) : 0;
  if (!filter.function.empty() && filter.state) {
    Query query(connection,
                NANOGRID_JOB_COLUMNS
                "INDEXED BY jobs_function_state WHERE function = ?3 AND "
                "state = ?4 AND number < ?1 ORDER BY number DESC LIMIT ?2",
                before, limit, filter.function, state);
    return ReadRows(query);
  }
  if (!filter.function.empty()) {
    Query query(connection,
                NANOGRID_JOB_COLUMNS
                "INDEXED BY jobs_function WHERE function = ?3 AND "
                "number < ?1 ORDER BY number DESC LIMIT ?2",
                before, limit, filter.function);
    return ReadRows(query);
  }
  if (filter.state) {
    Query query(connection,
                NANOGRID_JOB_COLUMNS
                "INDEXED BY jobs_state WHERE state = ?3 AND number < ?1 "
                "ORDER BY number DESC LIMIT ?2",
                before, limit, state);
    return ReadRows(query);
  }
  Query query(connection, NANOGRID_JOB_COLUMNS "WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
              before, limit);
  return ReadRows(query);
}

Result<std::vector<StoredJob>> DueJobs(Connection& connection, SystemTime now, size_t limit) {
  Query query(connection, NANOGRID_JOB_COLUMNS "WHERE due <= ?1 ORDER BY due, number LIMIT ?2", now,
              limit);
  return ReadRows(query);
}

Status InsertJob(Connection& connection, const StoredJob& stored) {
  const Job& job = stored.job;
  std::optional<std::string> key;
  if (!job.idempotency_key.empty()) key = job.idempotency_key;
  Query insert(connection,
               "INSERT INTO jobs(number, id, function, version, event_key, idempotency_key, "
               "max_attempts, backoff, max_backoff, max_age, retry_of, created, state, attempt, "
               "lost, revision, worker, not_before, started, finished, due, progress, outcome, "
               "result_key, result_size, dead_letter, crashes, tenant, files, files_key) "
               "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
               "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, "
               "?26, ?27, ?28, ?29, ?30)",
               stored.number, job.id, job.function, job.version, job.event_key, key,
               job.retry.max_attempts, job.retry.backoff.count(), job.retry.max_backoff.count(),
               job.retry.max_age.count(), job.retry_of, job.created, static_cast<int>(job.state),
               job.attempt, job.lost, job.revision, job.worker, job.not_before, job.started,
               job.finished, job.due, job.progress, OutcomeText(job), job.result_key,
               job.result_size, job.dead_letter, job.crashes, job.tenant, job.files, job.files_key);
  NANOGRID_RETURN_IF_ERROR(insert.Run());
  if (!job.event.empty()) {
    NANOGRID_RETURN_IF_ERROR(StorePayload(connection, stored.number, kEvent, job.event));
  }
  return absl::OkStatus();
}

Status UpdateJob(Connection& connection, const StoredJob& stored, const Job& before) {
  const Job& job = stored.job;
  Query update(
      connection,
      "UPDATE jobs SET state = ?2, attempt = ?3, lost = ?4, revision = ?5, worker = ?6, "
      "not_before = ?7, started = ?8, finished = ?9, due = ?10, progress = ?11, "
      "outcome = ?12, result_key = ?13, result_size = ?14, dead_letter = ?15, crashes = ?16, "
      "files = ?17, files_key = ?18 "
      "WHERE number = ?1",
      stored.number, static_cast<int>(job.state), job.attempt, job.lost, job.revision, job.worker,
      job.not_before, job.started, job.finished, job.due, job.progress, OutcomeText(job),
      job.result_key, job.result_size, job.dead_letter, job.crashes, job.files, job.files_key);
  NANOGRID_RETURN_IF_ERROR(update.Run());
  if (ResultOf(job) == ResultOf(before)) return absl::OkStatus();
  return StorePayload(connection, stored.number, kResult, ResultOf(job));
}

Status DeleteJob(Connection& connection, int64_t number) {
  for (const char* sql :
       {"DELETE FROM events WHERE job = ?1", "DELETE FROM payloads WHERE job = ?1",
        "DELETE FROM logs WHERE job = ?1", "DELETE FROM jobs WHERE number = ?1"}) {
    NANOGRID_RETURN_IF_ERROR(Query(connection, sql, number).Run());
  }
  return absl::OkStatus();
}

}  // namespace nanogrid::sqlite
