// The engine that tests of containers use, and what they run there.
#pragma once

#include <string>

#include "nanogrid/adapters/docker.h"

namespace nanogrid {

// Of the engine that ctest starts: "unix://…". FailedPrecondition says why there is none.
Result<std::string> TestEngine();

// This machine's shell and Python.
inline constexpr char kHostImage[] = "nanogrid-test/host";
// Declares a volume /data, an environment, an entry point and a user, none of which may matter.
inline constexpr char kVolumeImage[] = "nanogrid-test/volume";

}  // namespace nanogrid
