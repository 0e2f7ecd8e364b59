// The Docker sandbox does what every sandbox must, on a real engine.
#include "nanogrid/testing/sandbox_conformance.h"

#include "docker/docker_test_support.h"
#include "sandbox/conformance_package.h"

namespace nanogrid {
namespace {

SandboxAdapter Adapter() {
  SandboxAdapter adapter;
  adapter.name = "Docker";
  adapter.make = []() -> Result<std::unique_ptr<Sandbox>> {
    const Result<std::string> engine = TestEngine();
    if (!engine.ok()) return engine.status();
    return MakeDockerSandbox({.engine = *engine});
  };
  adapter.actor = [] {
    FunctionPackage package = ConformancePackage();
    package.image = kHostImage;
    return package;
  };
  adapter.count_processes = [] { return ProcessesWith(ConformanceActorName()).size(); };
  return adapter;
}

const auto kName = [](const auto& tested) { return tested.param.name; };
INSTANTIATE_TEST_SUITE_P(Real, SandboxConformance, testing::Values(Adapter()), kName);
INSTANTIATE_TEST_SUITE_P(Real, SandboxConformanceFiles, testing::Values(Adapter()), kName);

}  // namespace
}  // namespace nanogrid
