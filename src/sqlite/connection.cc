#include "sqlite/connection.h"

#include <cerrno>

#include "core/errors.h"

namespace nanogrid::sqlite {
namespace {

// By what the caller can do next (status.h).
absl::StatusCode CodeOf(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_IOERR:
      return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG
                 ? absl::StatusCode::kResourceExhausted
                 : absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kInternal;
  }
}

// Others write while they hold the lock of the file beside it; what SQLite still has to wait for
// takes milliseconds, or somebody looks at it with a tool.
constexpr int kBusyTimeoutMs = 10'000;

}  // namespace

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (database == nullptr) {
    return MakeError(absl::StatusCode::kResourceExhausted, "database '{}': no memory", path);
  }
  std::unique_ptr<Connection> connection(new Connection(path, database));
  if (code != SQLITE_OK) return connection->Error(code);
  if (sqlite3_db_readonly(database, "main") != 0) {
    return MakeError(absl::StatusCode::kPermissionDenied, "database '{}': is read-only", path);
  }
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  return connection;
}

Status Connection::Error(int code) const {
  const int system_error = sqlite3_system_errno(database_.get());
  return MakeError(CodeOf(code, system_error), "database '{}': {} (SQLite error {}, errno {})",
                   path_, sqlite3_errmsg(database_.get()), code, system_error);
}

Status Connection::Execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

Result<sqlite3_stmt*> Connection::Prepare(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* prepared = nullptr;
    const int code =
        sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return Error(code);
    statement.reset(prepared);
  }
  return statement.get();
}

std::vector<std::string> Connection::Statements() const {
  std::vector<std::string> statements;
  for (const auto& [sql, statement] : statements_) statements.emplace_back(sql);
  return statements;
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Query::Next() {
  if (!status_.ok()) return status_;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  status_ = connection_.Error(code);
  return status_;
}

Status Query::Run() {
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, Next());
    if (!row) return absl::OkStatus();
  }
}

std::string Query::Bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string()
                         : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

// A null pointer would be NULL rather than empty.
void Query::Bind(std::string_view text) {
  Check(sqlite3_bind_text64(statement_, ++parameter_, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Query::Bind(Blob blob) {
  Check(sqlite3_bind_blob64(statement_, ++parameter_, blob.bytes.empty() ? "" : blob.bytes.data(),
                            blob.bytes.size(), SQLITE_TRANSIENT));
}
void Query::BindNull() { Check(sqlite3_bind_null(statement_, ++parameter_)); }
void Query::BindInteger(int64_t value) {
  Check(sqlite3_bind_int64(statement_, ++parameter_, value));
}
void Query::Check(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = connection_.Error(code);
}

}  // namespace nanogrid::sqlite
