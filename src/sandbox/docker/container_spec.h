// What the engine is asked to create for an instance. No I/O.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nanogrid/sandbox.h"

namespace nanogrid::docker {

// Inside every container: the directory that is shared with the host, and what is in it.
inline constexpr char kSharedPath[] = "/run/nanogrid";

// Labels of our containers.
inline constexpr char kOwnerLabel[] = "nanogrid.owner";
inline constexpr char kFunctionLabel[] = "nanogrid.function";

struct ContainerSpec {
  std::string image_id{};
  std::vector<std::string> image_volumes{};  // places that the image declares as volumes
  std::string owner{};                       // kOwnerLabel's value
  uint32_t uid = 0;                          // and gid
  std::string shared_dir{};                  // host directory seen as kSharedPath
  std::string runtime_dir{};                 // host directory seen as /var/runtime; empty: none
};

// Limits that the engine can start a container with: below these its own start-up would not fit.
// The instance's are set before the runtime starts (LimitsUpdate).
inline constexpr uint64_t kMinStartMemory = 64ull << 20;
inline constexpr uint32_t kMinStartProcesses = 64;

// The body of POST /containers/create.
std::string CreateRequest(const FunctionPackage& package, const ContainerSpec& spec);

// The body of POST /containers/ID/update; empty if the container was created with its limits.
std::string LimitsUpdate(const Limits& limits);

}  // namespace nanogrid::docker
