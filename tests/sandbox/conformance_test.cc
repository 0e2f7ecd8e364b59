// The Linux sandbox does what every sandbox must, in each of the ways it can be set up.
#include "nanogrid/testing/sandbox_conformance.h"

#include "sandbox/conformance_package.h"

namespace nanogrid {
namespace {

SandboxAdapter Adapter(const char* name, const LinuxSandboxOptions& options) {
  SandboxAdapter adapter;
  adapter.name = name;
  adapter.make = [options]() -> Result<std::unique_ptr<Sandbox>> {
    if (options.mode == LinuxSandboxOptions::Mode::kRoot && geteuid() != 0) {
      return absl::FailedPreconditionError("needs to be run as root");
    }
    return MakeLinuxSandbox(options);
  };
  adapter.actor = ConformancePackage;
  adapter.count_processes = [] { return ProcessesWith(ConformanceActorName()).size(); };
  return adapter;
}

using Options = LinuxSandboxOptions;
const auto kAllWays =
    testing::Values(Adapter("Root", {.mode = Options::Mode::kRoot}),
                    Adapter("RootWithoutCgroups",
                            {.mode = Options::Mode::kRoot, .cgroups = Options::Cgroups::kNone}),
                    Adapter("Rootless", {.mode = Options::Mode::kRootless}));
const auto kName = [](const auto& tested) { return tested.param.name; };
INSTANTIATE_TEST_SUITE_P(Linux, SandboxConformance, kAllWays, kName);
INSTANTIATE_TEST_SUITE_P(Linux, SandboxConformanceFiles, kAllWays, kName);

}  // namespace
}  // namespace nanogrid
