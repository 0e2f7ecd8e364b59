// The Linux sandbox does what every sandbox must, in each of the ways it can be set up.
#include "nanogrid/testing/sandbox_conformance.h"

#include <unistd.h>

#include <filesystem>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

// The actor under a name of this process alone, so that its processes can be told from others'.
const TestDirectory& ActorDirectory() {
  static const TestDirectory directory;
  return directory;
}
std::string ActorName() { return "conformance-actor-" + std::to_string(getpid()); }

SandboxAdapter Adapter(const char* name, const LinuxSandboxOptions& options) {
  SandboxAdapter adapter;
  adapter.name = name;
  adapter.make = [options]() -> Result<std::unique_ptr<Sandbox>> {
    if (options.mode == LinuxSandboxOptions::Mode::kRoot && geteuid() != 0) {
      return absl::FailedPreconditionError("needs to be run as root");
    }
    return MakeLinuxSandbox(options);
  };
  adapter.actor = [] {
    const std::string file = ActorDirectory().path() + "/" + ActorName();
    if (!std::filesystem::exists(file)) {
      std::filesystem::copy_file(ProgramDirectory() + "/conformance_actor", file);
    }
    FunctionPackage package;
    package.name = "actor";
    package.version = 1;
    package.code_dir = ActorDirectory().path();
    package.command = {"/var/task/" + ActorName()};
    return package;
  };
  adapter.count_processes = [] { return ProcessesWith(ActorName()).size(); };
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
