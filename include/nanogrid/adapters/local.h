// An engine on this machine alone: Linux sandbox, embedded stores, the built-in runtimes.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/adapters/linux_sandbox.h"
#include "nanogrid/engine.h"
#include "nanogrid/registry.h"

namespace nanogrid {

struct LocalOptions {
  std::string objects = "memory:";  // "memory:" or "file:///dir"
  std::string catalog = "memory:";
  // Unpacked code; empty: a private directory that is removed with the engine (and by the next
  // engine, should this process be killed).
  std::string package_dir{};
  CodeLimits code_limits{};
  SchedulerOptions scheduler{};
  LinuxSandboxOptions sandbox{};
  Observer* observer = &Observer::None();
};

Result<std::unique_ptr<Engine>> OpenLocal(const LocalOptions& options = {});

// The adapters that need nothing but this machine: memory:, file:, linux:.
Registry LocalRegistry();

}  // namespace nanogrid
