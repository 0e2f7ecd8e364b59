// The Docker sandbox does what every sandbox must, on a real engine.
#include "nanogrid/testing/sandbox_conformance.h"

#include <unistd.h>

#include <filesystem>

#include "docker/docker_test_support.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

// The actor under a name of this process alone, so that its processes can be told from others'.
const TestDirectory& ActorDirectory() {
  static const TestDirectory directory;
  return directory;
}
std::string ActorName() { return "conformance-actor-" + std::to_string(getpid()); }

SandboxAdapter Adapter() {
  SandboxAdapter adapter;
  adapter.name = "Docker";
  adapter.make = []() -> Result<std::unique_ptr<Sandbox>> {
    const Result<std::string> engine = TestEngine();
    if (!engine.ok()) return engine.status();
    return MakeDockerSandbox({.engine = *engine});
  };
  adapter.actor = [] {
    const std::string file = ActorDirectory().path() + "/" + ActorName();
    if (!std::filesystem::exists(file)) {
      std::filesystem::copy_file(ProgramDirectory() + "/conformance_actor", file);
    }
    FunctionPackage package;
    package.name = "actor";
    package.version = 1;
    package.image = kHostImage;
    package.code_dir = ActorDirectory().path();
    package.command = {"/var/task/" + ActorName()};
    return package;
  };
  adapter.count_processes = [] { return ProcessesWith(ActorName()).size(); };
  return adapter;
}

const auto kName = [](const auto& tested) { return tested.param.name; };
INSTANTIATE_TEST_SUITE_P(Real, SandboxConformance, testing::Values(Adapter()), kName);
INSTANTIATE_TEST_SUITE_P(Real, SandboxConformanceFiles, testing::Values(Adapter()), kName);

}  // namespace
}  // namespace nanogrid
