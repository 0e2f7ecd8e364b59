#include "core/errors.h"
#include "nanogrid/adapters/sqlite.h"
#include "sqlite/stores.h"

namespace nanogrid {
namespace {

Result<std::shared_ptr<sqlite::Database>> OpenUri(const Uri& uri) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({}));
  if (!uri.host.empty() || uri.port != 0 || uri.path.empty()) {
    return InvalidArgument("'{}': must be sqlite:PATH, without a host", uri.ToString());
  }
  return sqlite::Database::Open(uri.path);
}

}  // namespace

Result<SqliteStores> OpenSqlite(const SqliteOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto database, sqlite::Database::Open(options.path));
  return SqliteStores{.queue = sqlite::MakeQueue(database, *options.clock),
                      .catalog = sqlite::MakeFunctionCatalog(database, *options.clock),
                      .jobs = sqlite::MakeJobStore(database, *options.clock)};
}

Result<std::unique_ptr<Queue>> MakeSqliteQueue(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(auto database, OpenUri(uri));
  return sqlite::MakeQueue(std::move(database), Clock::System());
}
Result<std::unique_ptr<FunctionCatalog>> MakeSqliteFunctionCatalog(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(auto database, OpenUri(uri));
  return sqlite::MakeFunctionCatalog(std::move(database), Clock::System());
}
Result<std::unique_ptr<JobStore>> MakeSqliteJobStore(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(auto database, OpenUri(uri));
  return sqlite::MakeJobStore(std::move(database), Clock::System());
}

}  // namespace nanogrid
