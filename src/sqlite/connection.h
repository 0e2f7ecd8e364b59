// SQLite's C interface with owners and our errors.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nanogrid/clock.h"

namespace nanogrid::sqlite {

// One connection with its prepared statements. For one thread at a time.
class Connection {
 public:
  // The file must exist; PermissionDenied, DataLoss … name it.
  static Result<std::unique_ptr<Connection>> Open(const std::string& path);

  // Statements without rows, separated by ';'.
  Status Execute(const char* sql);
  // False within a transaction.
  bool InAutocommit() const { return sqlite3_get_autocommit(database_.get()) != 0; }
  // Rows that the last INSERT, UPDATE or DELETE changed.
  int64_t Changes() const { return sqlite3_changes64(database_.get()); }
  // What was prepared so far, as SQL.
  std::vector<std::string> Statements() const;
  // The error that `code` stands for, with the file's name.
  Status Error(int code) const;

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  Connection(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}
  // `sql` is a literal: its address names the statement.
  Result<sqlite3_stmt*> Prepare(const char* sql);

  const std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// Any bytes, where a string_view would be text.
struct Blob {
  std::string_view bytes;
};

// One run of a prepared statement. No two at a time of the same literal on one connection.
class Query {
 public:
  // The arguments are ?1, ?2, …; they are copied. An error is told by the first Next or Run.
  template <typename... Args>
  Query(Connection& connection, const char* sql, const Args&... args) : connection_(connection) {
    Result<sqlite3_stmt*> statement = connection.Prepare(sql);
    if (!statement.ok()) {
      status_ = statement.status();
      return;
    }
    statement_ = *statement;
    (Bind(args), ...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Whether there is another row.
  Result<bool> Next();
  // To the end.
  Status Run();

  // Of the row, by column from 0.
  template <typename Integer = int64_t>
  Integer Int(int column) const {
    return static_cast<Integer>(sqlite3_column_int64(statement_, column));
  }
  SystemTime Time(int column) const { return SystemTime(std::chrono::milliseconds(Int(column))); }
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string Bytes(int column) const;  // of text or blob; empty for NULL

 private:
  void Bind(std::string_view text);
  void Bind(Blob blob);
  // Exactly that: strings are text.
  template <std::same_as<std::optional<std::string>> Optional>
  void Bind(const Optional& text) {
    if (text) {
      Bind(std::string_view(*text));
    } else {
      BindNull();
    }
  }
  void Bind(SystemTime time) { BindInteger(time.time_since_epoch().count()); }
  template <std::integral Integer>
  void Bind(Integer value) {
    BindInteger(static_cast<int64_t>(value));
  }
  void BindInteger(int64_t value);
  void BindNull();
  void Check(int code);

  Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
  int parameter_ = 0;
  Status status_{};
};

}  // namespace nanogrid::sqlite
