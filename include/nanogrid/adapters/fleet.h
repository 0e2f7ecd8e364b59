// Controllers and workers of a fleet: on the queue and stores that a configuration names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/adapters/fleet_config.h"
#include "nanogrid/adapters/local.h"
#include "nanogrid/adapters/mirror.h"
#include "nanogrid/controller.h"
#include "nanogrid/health.h"
#include "nanogrid/registry.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// Every adapter of this build, with the credentials that the configuration has. `secrets`, where
// some of them are, outlives what is opened.
Registry FleetRegistry(const FleetConfig& config, SecretSource* secrets = nullptr);

struct FleetParts {
  std::shared_ptr<SecretSource> secrets{};  // null: none; outlives the others
  std::shared_ptr<Queue> queue{};
  std::shared_ptr<JobStore> jobs{};
  std::shared_ptr<FunctionCatalog> catalog{};
  std::shared_ptr<ObjectStore> objects{};    // code here, user data there, as one, and mirrored
  std::shared_ptr<MirroredStore> mirror{};   // the same as objects; null: there is none
  std::shared_ptr<ObjectStore> user_data{};  // what is there; null: it is the same as objects
  std::shared_ptr<Queue> dead_letters{};     // null: none
};

// Each part, or what is wrong with it. Nothing is asked of a part but what opening it asks.
struct FleetPart {
  std::string setting{};  // "queue"
  std::string uri{};
  Status status{};  // names the setting
};
// `opened` gets all that could be opened.
std::vector<FleetPart> OpenFleetParts(const FleetConfig& config, FleetParts& opened);
// The same, or the first error.
Result<FleetParts> OpenFleetParts(const FleetConfig& config);

// Answers for each part whether it works, by a call that changes nothing.
std::unique_ptr<Health> MakeFleetHealth(const FleetParts& parts,
                                        Observer& observer = Observer::None());

// For people who set a fleet up: what answers, what does not, and what to do.
struct FleetFinding {
  std::string setting{};  // "queue"
  std::string uri{};
  Status status{};                      // OK: it was opened, and has answered
  std::string fix{};                    // of an error; empty: the status says it
  std::vector<std::string> warnings{};  // each with its fix
};
// Opens every part and asks it. In the order of the settings.
std::vector<FleetFinding> InspectFleet(const FleetConfig& config);

struct FleetOptions {
  FleetProgram program = FleetProgram::kController;  // kController may have a worker, too
  LocalOptions local{};  // sandboxes, limits, observer; the rest is the configuration's
  // Called once, on a thread of its own, when this machine will be gone soon (setting "notice").
  std::function<void(const std::string& why)> on_notice{};
};

// A controller, a worker, or both, in this process.
class Fleet {
 public:
  virtual ~Fleet() = default;  // Stop with a context that has ended

  virtual Controller* controller() = 0;  // null in a worker; refuses jobs beyond max_backlog
  virtual Worker* worker() = 0;          // null if there is none
  virtual Engine& engine() = 0;
  virtual Health& health() = 0;
  // Adds what this process does, in the text format of Prometheus.
  virtual void AppendMetrics(std::string& text) const = 0;
  // Not ready any more; Worker::Stop. The controller goes on answering.
  virtual void Stop(const Context& context) = 0;
};

// A data directory is made, and locked by controllers, only if something is kept there.
// InvalidArgument and the like name the setting.
Result<std::unique_ptr<Fleet>> OpenFleet(const FleetConfig& config, const FleetOptions& options);

}  // namespace nanogrid
