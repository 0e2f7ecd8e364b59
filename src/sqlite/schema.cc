#include "sqlite/schema.h"

#include "core/errors.h"

namespace nanogrid::sqlite {
namespace {

constexpr int64_t kApplicationId = 0x4e475244;  // "NGRD"
constexpr int64_t kSchemaVersion = 1;

// Times are milliseconds since 1970, durations nanoseconds. Numbers come from `counters` and are
// never used again. An index ends with its table's primary key.
constexpr char kSchema[] = R"sql(
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE messages(
  number INTEGER PRIMARY KEY,
  visible INTEGER NOT NULL,   -- from then on anybody may receive it
  received INTEGER NOT NULL,  -- deliveries so far
  sent INTEGER NOT NULL,
  body TEXT NOT NULL) STRICT;
CREATE INDEX messages_visible ON messages(visible, received);

CREATE TABLE jobs(
  number INTEGER PRIMARY KEY,  -- that of its first event
  id TEXT NOT NULL,
  function TEXT NOT NULL,
  version INTEGER NOT NULL,
  event_key TEXT NOT NULL,
  idempotency_key TEXT,
  tenant TEXT NOT NULL,
  max_attempts INTEGER NOT NULL,
  backoff INTEGER NOT NULL,
  max_backoff INTEGER NOT NULL,
  max_age INTEGER NOT NULL,
  retry_of TEXT NOT NULL,
  created INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  worker TEXT NOT NULL,
  not_before INTEGER NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  due INTEGER NOT NULL,
  progress TEXT NOT NULL,
  outcome TEXT,  -- JSON, without the result
  result_key TEXT NOT NULL,
  result_size INTEGER NOT NULL,
  files INTEGER NOT NULL,
  files_key TEXT NOT NULL,
  dead_letter TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX jobs_id ON jobs(id);
CREATE UNIQUE INDEX jobs_key ON jobs(function, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_function ON jobs(function);
CREATE INDEX jobs_state ON jobs(state);
CREATE INDEX jobs_function_state ON jobs(function, state);
CREATE INDEX jobs_due ON jobs(due);

-- What is not rewritten whenever the job changes.
CREATE TABLE payloads(
  job INTEGER NOT NULL, kind INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(job, kind)) STRICT, WITHOUT ROWID;
CREATE TABLE logs(
  job INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(job, position)) STRICT, WITHOUT ROWID;

CREATE TABLE events(
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  time INTEGER NOT NULL,
  progress TEXT NOT NULL) STRICT;
CREATE INDEX events_job ON events(job);

CREATE TABLE functions(
  name TEXT PRIMARY KEY,
  latest INTEGER NOT NULL,  -- 0: removed
  last_number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX functions_there ON functions(name, latest) WHERE latest > 0;
CREATE TABLE versions(
  function TEXT NOT NULL, number INTEGER NOT NULL, definition TEXT NOT NULL,
  PRIMARY KEY(function, number)) STRICT, WITHOUT ROWID;
CREATE TABLE aliases(
  function TEXT NOT NULL, alias TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY(function, alias)) STRICT, WITHOUT ROWID;
)sql";

Result<int64_t> Single(Connection& connection, const char* sql) {
  Query query(connection, sql);
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  return row ? query.Int(0) : 0;
}

Status MakeSchema(Connection& connection) {
  NANOGRID_RETURN_IF_ERROR(connection.Execute(kSchema));
  const std::string names = fmt::format("PRAGMA application_id={}; PRAGMA user_version={}",
                                        kApplicationId, kSchemaVersion);
  return connection.Execute(names.c_str());
}

}  // namespace

Status PrepareSchema(Connection& connection, const std::string& path) {
  NANOGRID_ASSIGN_OR_RETURN(const int64_t tables,
                            Single(connection, "SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) {
    // WAL: readers and the writer do not wait for each other.
    NANOGRID_RETURN_IF_ERROR(connection.Execute("PRAGMA journal_mode=WAL; BEGIN IMMEDIATE"));
    Status made = MakeSchema(connection);
    if (made.ok()) made = connection.Execute("COMMIT");
    if (!made.ok() && !connection.InAutocommit()) connection.Execute("ROLLBACK").IgnoreError();
    return made;
  }
  NANOGRID_ASSIGN_OR_RETURN(const int64_t application, Single(connection, "PRAGMA application_id"));
  if (application != kApplicationId) {
    return FailedPrecondition("database '{}': holds something else than NanoGrid's data", path);
  }
  NANOGRID_ASSIGN_OR_RETURN(const int64_t version, Single(connection, "PRAGMA user_version"));
  if (version == kSchemaVersion) return absl::OkStatus();
  return FailedPrecondition(
      "database '{}': has schema version {}, this build knows {}: use the NanoGrid that wrote it, "
      "or a newer one",
      path, version, kSchemaVersion);
}

Result<int64_t> AddToCounter(Connection& connection, std::string_view name, int64_t change) {
  Query query(connection,
              "INSERT INTO counters(name, value) VALUES(?1, ?2) "
              "ON CONFLICT(name) DO UPDATE SET value = value + ?2 RETURNING value",
              name, change);
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  if (!row) return Internal("counter '{}' was not stored", name);
  return query.Int(0);
}

}  // namespace nanogrid::sqlite
