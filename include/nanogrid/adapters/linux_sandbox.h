// "linux:": namespaces, control groups, seccomp; docs/design.md says how.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nanogrid/sandbox.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct LinuxSandboxOptions {
  // Host directory of runtime files, seen read-only as /var/runtime; empty: none.
  std::string runtime_dir{};
  // Host directory below which every FunctionPackage::code_dir lies. Empty: any host path.
  std::string package_dir{};
  enum class Mode { kAuto, kRoot, kRootless };
  Mode mode = Mode::kAuto;  // kAuto: as root if the process has CAP_SYS_ADMIN and friends
  // Whether to use control groups. kAuto uses what is writable; if that cannot be set up nothing
  // starts, and if there is nothing, the engine watches instead, which the report says.
  enum class Cgroups { kAuto, kV1, kV2, kNone };
  Cgroups cgroups = Cgroups::kAuto;
  // What every sandbox must have at least; each includes the one before. If this machine has less,
  // nothing runs, and the error names the fix. What there is stands in Outcome::isolation.
  enum class Isolation {
    kNone,    // namespaces, no capabilities, the filter: what no sandbox is without
    kLimits,  // the kernel limits memory, CPU and processes, rather than the engine watching them
    kUsers,   // a host user of its own for each: only as root
  };
  Isolation required = Isolation::kNone;
};

// FailedPrecondition names what this machine lacks and how to get it. Nothing runs until the first
// Start, which launches the spawner.
Result<std::unique_ptr<Sandbox>> MakeLinuxSandbox(const LinuxSandboxOptions& options = {});
// "linux:?mode=auto|root|rootless&cgroups=auto|v1|v2|none&required=none|limits|users"
Result<std::unique_ptr<Sandbox>> MakeLinuxSandbox(const Uri& uri);

// One fact about what isolation this machine offers.
struct IsolationCheck {
  enum class Level { kOk, kWarning, kError };  // kError: no sandbox can be started
  Level level = Level::kOk;
  std::string name{};    // "user namespaces"
  std::string detail{};  // what was found
  std::string fix{};     // the exact command or setting; empty if nothing is missing
};

struct IsolationReport {
  std::string mode{};     // "root" or "rootless"
  std::string cgroups{};  // "v1", "v2" or "none"
  std::string level{};    // the most that LinuxSandboxOptions::required may ask: "none" …
  std::vector<IsolationCheck> checks{};
  bool usable = false;  // an instance was started and answered
};

// Looks, and starts a real sandbox to be sure.
IsolationReport InspectLinuxSandbox(const LinuxSandboxOptions& options = {});

}  // namespace nanogrid
