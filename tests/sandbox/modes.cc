#include "sandbox/modes.h"

#include <unistd.h>

#include "docker/docker_test_support.h"
#include "nanogrid/adapters/linux_sandbox.h"

namespace nanogrid {
namespace {

Mode LinuxMode(const std::string& name, const LinuxSandboxOptions& options) {
  Mode mode = {.name = name, .statements = {name}};
  if (options.mode == LinuxSandboxOptions::Mode::kRoot && geteuid() != 0) {
    mode.missing = "needs to be run as root";
    return mode;
  }
  const std::string cgroups = InspectLinuxSandbox(options).cgroups;
  if (cgroups != "v1" && cgroups != "v2") mode.statements.emplace_back("without-cgroups");
  if (options.mode == LinuxSandboxOptions::Mode::kRootless)
    mode.statements.emplace_back("rootless");
  mode.make = [options] { return MakeLinuxSandbox(options); };
  return mode;
}

Mode DockerMode() {
  Mode mode = {.name = "docker", .statements = {"docker"}};
  const Result<std::string> engine = TestEngine();
  if (!engine.ok()) {
    mode.missing = std::string(engine.status().message());
    return mode;
  }
  mode.image = kHostImage;
  mode.make = [engine = *engine] { return MakeDockerSandbox({.engine = engine}); };
  return mode;
}

}  // namespace

const Mode& GetMode(ModeIndex index) {
  using Options = LinuxSandboxOptions;
  static const std::vector<Mode> modes = {
      LinuxMode("root", {.mode = Options::Mode::kRoot}),
      LinuxMode("root-without-cgroups",
                {.mode = Options::Mode::kRoot, .cgroups = Options::Cgroups::kNone}),
      LinuxMode(geteuid() == 0 ? "rootless" : "ordinary-user", {.mode = Options::Mode::kRootless}),
      DockerMode(),
  };
  return modes[index];
}

}  // namespace nanogrid
