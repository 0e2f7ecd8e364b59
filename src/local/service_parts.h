// A controller, a worker or both on this machine's engine, whatever their stores are.
#pragma once

#include <memory>
#include <string>

#include "core/unique_fd.h"
#include "nanogrid/adapters/local.h"

namespace nanogrid {

// Made if missing, for this user alone.
Status MakeDataDirectory(const std::string& path);
// Held as long as the descriptor is open, whatever becomes of the process. AlreadyExists if another
// controller has it.
Result<UniqueFd> LockDataDirectory(const std::string& path);

struct ServiceStores {
  std::shared_ptr<Queue> queue{};
  std::shared_ptr<JobStore> jobs{};
  std::shared_ptr<FunctionCatalog> catalog{};
  std::shared_ptr<ObjectStore> objects{};
  std::shared_ptr<Queue> dead_letters{};        // as WorkerParts has it
  std::shared_ptr<ObjectStore> foreign_code{};  // as WorkerParts has it
};

struct ServiceParts {
  std::shared_ptr<Engine> engine{};
  std::unique_ptr<Controller> controller{};  // null if none was wanted
  std::unique_ptr<Worker> worker{};          // null if none was wanted; goes first
};

struct ServiceWants {
  bool controller = true;
  bool worker = true;
};

// `options` are those that are not about `data`.
Result<ServiceParts> MakeServiceParts(const ServiceStores& stores, ServiceWants wants,
                                      const ServiceOptions& options);

}  // namespace nanogrid
