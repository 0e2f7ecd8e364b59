
#include "core/errors.h"
#include "core/names.h"
#include "core/stored_json.h"
#include "sqlite/stores.h"

namespace nanogrid::sqlite {
namespace {

// A function's row; all zero if there never was one.
struct Function {
  uint64_t latest = 0;       // 0: there is none (any more)
  uint64_t last_number = 0;  // survives removal, so that no number ever means two things
};

Result<Function> FindFunction(Connection& connection, std::string_view name) {
  Query query(connection, "SELECT latest, last_number FROM functions WHERE name = ?1", name);
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  if (!row) return Function{};
  return Function{.latest = query.Int<uint64_t>(0), .last_number = query.Int<uint64_t>(1)};
}

Status CheckExists(const Function& function, std::string_view name) {
  if (function.latest != 0) return absl::OkStatus();
  return NotFound("function '{}' does not exist", name);
}

Result<FunctionVersion> FindVersion(Connection& connection, std::string_view name,
                                    uint64_t number) {
  Status missing = NotFound("function '{}' has no version {}", name, number);
  if (number > static_cast<uint64_t>(INT64_MAX)) return missing;
  Query query(connection, "SELECT definition FROM versions WHERE function = ?1 AND number = ?2",
              name, number);
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  if (!row) return missing;
  return ParseFunctionVersionJson(query.Bytes(0));
}

Result<std::vector<FunctionVersion>> ReadVersions(Query& query) {
  std::vector<FunctionVersion> versions;
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
    if (!row) return versions;
    NANOGRID_ASSIGN_OR_RETURN(FunctionVersion version, ParseFunctionVersionJson(query.Bytes(0)));
    versions.push_back(std::move(version));
  }
}

Result<uint64_t> FindAlias(Connection& connection, std::string_view name, std::string_view alias) {
  Query query(connection, "SELECT number FROM aliases WHERE function = ?1 AND alias = ?2", name,
              alias);
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  if (!row) return NotFound("function '{}' has no alias '{}'", name, alias);
  return query.Int<uint64_t>(0);
}

// The number that a qualifier means.
Result<uint64_t> ReadQualifier(Connection& connection, std::string_view name,
                               const Function& function, std::string_view qualifier) {
  if (qualifier.empty() || qualifier == kLatest) return function.latest;
  if (CheckAliasName(qualifier).ok()) return FindAlias(connection, name, qualifier);
  return ParseVersionNumber(qualifier);
}

class SqliteFunctionCatalog final : public FunctionCatalog {
 public:
  SqliteFunctionCatalog(std::shared_ptr<Database> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<FunctionVersion> Put(const Context& context, const FunctionVersion& version,
                              uint64_t expected_revision) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(version.name));
    FunctionVersion stored;
    const auto change = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const Function function, FindFunction(connection, version.name));
      if (expected_revision != kAnyRevision && expected_revision != function.latest) {
        return MakeError(absl::StatusCode::kAborted,
                         "function '{}': the latest version is {}, not {} as expected",
                         version.name, function.latest, expected_revision);
      }
      if (function.latest != 0) {
        NANOGRID_ASSIGN_OR_RETURN(stored, FindVersion(connection, version.name, function.latest));
        if (stored.SameDefinition(version)) return absl::OkStatus();
      }
      stored = version;
      stored.number = function.last_number + 1;
      stored.created = clock_.WallNow();
      NANOGRID_RETURN_IF_ERROR(Query(connection,
                                     "INSERT INTO functions(name, latest, last_number) "
                                     "VALUES(?1, ?2, ?2) ON CONFLICT(name) DO UPDATE "
                                     "SET latest = ?2, last_number = ?2",
                                     stored.name, stored.number)
                                   .Run());
      return Query(connection,
                   "INSERT INTO versions(function, number, definition) VALUES(?1, ?2, ?3)",
                   stored.name, stored.number, FunctionVersionJson(stored))
          .Run();
    };
    NANOGRID_RETURN_IF_ERROR(Write(context, change));
    return stored;
  }

  Result<FunctionVersion> Get(const Context& context, std::string_view name,
                              std::string_view qualifier) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    FunctionVersion version;
    const auto look = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const Function function, FindFunction(connection, name));
      NANOGRID_RETURN_IF_ERROR(CheckExists(function, name));
      NANOGRID_ASSIGN_OR_RETURN(const uint64_t number,
                                ReadQualifier(connection, name, function, qualifier));
      NANOGRID_ASSIGN_OR_RETURN(version, FindVersion(connection, name, number));
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(Read(context, look));
    return version;
  }

  Result<FunctionPage> List(const Context& context, std::string_view cursor,
                            size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, ""));
    FunctionPage page;
    const auto look = [&](Connection& connection) -> Status {
      Query query(connection,
                  "SELECT v.definition FROM functions f CROSS JOIN versions v "
                  "ON v.function = f.name AND v.number = f.latest "
                  "WHERE f.latest > 0 AND f.name > ?1 ORDER BY f.name LIMIT ?2",
                  after.value_or(""), limit + 1);
      NANOGRID_ASSIGN_OR_RETURN(page.functions, ReadVersions(query));
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(Read(context, look));
    if (page.functions.size() > limit) {  // there are more
      page.functions.pop_back();
      page.cursor = MakeCursor(page.functions.back().name);
    }
    return page;
  }

  Result<FunctionPage> ListVersions(const Context& context, std::string_view name,
                                    std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    // Cursors are "NAME/NUMBER", so that one function's does not fit another.
    const std::string prefix = fmt::format("{}/", name);
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    auto before = static_cast<uint64_t>(INT64_MAX);
    if (after) {
      const Result<uint64_t> number =
          ParseVersionNumber(std::string_view(*after).substr(prefix.size()));
      if (!number.ok()) return InvalidArgument("cursor '{}': not one of this listing", cursor);
      before = std::min(before, *number);
    }
    FunctionPage page;
    const auto look = [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const Function function, FindFunction(connection, name));
      NANOGRID_RETURN_IF_ERROR(CheckExists(function, name));
      Query query(connection,
                  "SELECT definition FROM versions WHERE function = ?1 AND number < ?2 "
                  "ORDER BY number DESC LIMIT ?3",
                  name, before, limit + 1);
      NANOGRID_ASSIGN_OR_RETURN(page.functions, ReadVersions(query));
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(Read(context, look));
    if (page.functions.size() > limit) {
      page.functions.pop_back();
      page.cursor = MakeCursor(fmt::format("{}{}", prefix, page.functions.back().number));
    }
    return page;
  }

  Status PutAlias(const Context& context, std::string_view name, std::string_view alias,
                  uint64_t number) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    return Write(context, [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const Function function, FindFunction(connection, name));
      NANOGRID_RETURN_IF_ERROR(CheckExists(function, name));
      NANOGRID_RETURN_IF_ERROR(FindVersion(connection, name, number).status());
      return Query(connection,
                   "INSERT OR REPLACE INTO aliases(function, alias, number) VALUES(?1, ?2, ?3)",
                   name, alias, number)
          .Run();
    });
  }

  Status RemoveAlias(const Context& context, std::string_view name,
                     std::string_view alias) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    return Write(context, [&](Connection& connection) -> Status {
      NANOGRID_ASSIGN_OR_RETURN(const Function function, FindFunction(connection, name));
      NANOGRID_RETURN_IF_ERROR(CheckExists(function, name));
      NANOGRID_RETURN_IF_ERROR(FindAlias(connection, name, alias).status());
      return Query(connection, "DELETE FROM aliases WHERE function = ?1 AND alias = ?2", name,
                   alias)
          .Run();
    });
  }

  Status Remove(const Context& context, std::string_view name) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    return Write(context, [&](Connection& connection) -> Status {
      for (const char* sql :
           {"DELETE FROM versions WHERE function = ?1", "DELETE FROM aliases WHERE function = ?1",
            "UPDATE functions SET latest = 0 WHERE name = ?1"}) {
        NANOGRID_RETURN_IF_ERROR(Query(connection, sql, name).Run());
      }
      return absl::OkStatus();
    });
  }

 private:
  Status Write(const Context& context, const Database::Work& change) {
    return database_->Write(context, clock_, Topic::kNothing, change);
  }
  Status Read(const Context& context, const Database::Work& work) {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    return database_->Read(work);
  }

  const std::shared_ptr<Database> database_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<FunctionCatalog> MakeFunctionCatalog(std::shared_ptr<Database> database,
                                                     const Clock& clock) {
  return std::make_unique<SqliteFunctionCatalog>(std::move(database), clock);
}

}  // namespace nanogrid::sqlite
