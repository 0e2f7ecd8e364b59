// The adapters on one database.
#pragma once

#include <memory>

#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "nanogrid/storage.h"
#include "sqlite/database.h"

namespace nanogrid::sqlite {

std::unique_ptr<Queue> MakeQueue(std::shared_ptr<Database> database, const Clock& clock);
std::unique_ptr<FunctionCatalog> MakeFunctionCatalog(std::shared_ptr<Database> database,
                                                     const Clock& clock);
std::unique_ptr<JobStore> MakeJobStore(std::shared_ptr<Database> database, const Clock& clock);

}  // namespace nanogrid::sqlite
