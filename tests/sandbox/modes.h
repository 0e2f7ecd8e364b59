// The ways a sandbox can be had, for tests that are the same in all of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/sandbox.h"

namespace nanogrid {

struct Mode {
  std::string name{};
  // Whose statements in an act's header count, the closest first.
  std::vector<std::string> statements{};
  std::function<Result<std::unique_ptr<Sandbox>>()> make{};
  std::string missing{};  // why it cannot be tried here
  std::string image{};
};

// As root with and without control groups, rootless (as whoever the test is), and containers of the
// engine that ctest starts.
enum ModeIndex { kRootMode, kRootWithoutCgroupsMode, kRootlessMode, kDockerMode };
const Mode& GetMode(ModeIndex index);

}  // namespace nanogrid
