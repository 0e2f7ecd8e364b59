// What needs nothing but this machine: an engine, or a whole service with durable jobs.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nanogrid/adapters/docker.h"
#include "nanogrid/adapters/linux_sandbox.h"
#include "nanogrid/controller.h"
#include "nanogrid/engine.h"
#include "nanogrid/registry.h"
#include "nanogrid/worker.h"

namespace nanogrid {

struct LocalOptions {
  std::string objects = "memory:";  // "memory:" or "file:///dir"
  std::string catalog = "memory:";  // "memory:" or "sqlite:PATH"
  // Unpacked code; empty: a private directory that is removed with the engine (and by the next
  // engine, should this process be killed).
  std::string package_dir{};
  CodeLimits code_limits{};
  SchedulerOptions scheduler{};
  std::map<std::string, std::string> network_env{};  // EngineParts::network_env
  LinuxSandboxOptions sandbox{};
  DockerSandboxOptions docker{};  // no engine is looked for until a function wants one
  Observer* observer = &Observer::None();
};

Result<std::unique_ptr<Engine>> OpenLocal(const LocalOptions& options = {});

struct ServiceOptions {
  // Functions, jobs, results and unpacked code are kept here; made if missing, for this user alone.
  // Several processes may work on one directory.
  std::string data{};
  bool run_worker = true;  // in this process; jobs wait for one otherwise
  // Be the one controller that works on the directory; AlreadyExists if there is one.
  bool exclusive = false;
  ControllerOptions controller{};
  WorkerOptions worker{};
  LocalOptions local{};  // objects, catalog and package_dir are of the directory
};

// Controller, worker and engine on one data directory, in this process.
class Service {
 public:
  virtual ~Service() = default;  // Stop with a context that has ended

  virtual Controller& controller() = 0;
  virtual Worker* worker() = 0;  // null if it has none
  // Worker::Stop; the controller goes on answering.
  virtual void Stop(const Context& context) = 0;
};

// InvalidArgument, PermissionDenied and the like name the directory or file.
Result<std::unique_ptr<Service>> OpenService(const ServiceOptions& options);

// The adapters that need nothing but this machine: memory:, file:, sqlite:,
// linux:, docker:.
Registry LocalRegistry();

}  // namespace nanogrid
