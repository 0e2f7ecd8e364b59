// "sqlite:PATH": a queue, a catalog and a job store in one database file. Durable: what a call has
// acknowledged survives kill -9 and power failure.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/clock.h"
#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "nanogrid/storage.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct SqliteOptions {
  // Created if missing, mode 0600, in a directory that exists. Beside it lie PATH.lock, PATH-wal
  // and PATH-shm. Not on a network file system.
  std::string path{};
  const Clock* clock = &Clock::System();  // outlives what is made
};

struct SqliteStores {
  std::unique_ptr<Queue> queue{};
  std::unique_ptr<FunctionCatalog> catalog{};
  std::unique_ptr<JobStore> jobs{};
};

// Any number of processes may use one file; those of this process share one writing thread.
// PermissionDenied, FailedPrecondition, DataLoss name the file: unwritable, of a newer build or
// somebody else's, broken. ResourceExhausted, also later: the disk is full; nothing half-done
// stays.
Result<SqliteStores> OpenSqlite(const SqliteOptions& options);

// "sqlite:PATH"
Result<std::unique_ptr<Queue>> MakeSqliteQueue(const Uri& uri);
Result<std::unique_ptr<FunctionCatalog>> MakeSqliteFunctionCatalog(const Uri& uri);
Result<std::unique_ptr<JobStore>> MakeSqliteJobStore(const Uri& uri);

}  // namespace nanogrid
