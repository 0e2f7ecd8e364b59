// "memory:": embedded stores that live as long as the object. For tests and one-process use.
#pragma once

#include <memory>

#include "nanogrid/clock.h"
#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// The clock outlives what is made.
std::unique_ptr<ObjectStore> MakeMemoryObjectStore(const Clock& clock = Clock::System());
std::unique_ptr<FunctionCatalog> MakeMemoryFunctionCatalog(const Clock& clock = Clock::System());
std::unique_ptr<Queue> MakeMemoryQueue(const Clock& clock = Clock::System());
std::unique_ptr<JobStore> MakeMemoryJobStore(const Clock& clock = Clock::System());

}  // namespace nanogrid
