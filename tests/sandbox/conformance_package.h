// The program of the conformance suite as a package, for every sandbox of this project.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {

// Under a name of this process alone, so that its processes can be told from others'.
inline std::string ConformanceActorName() {
  return "conformance-actor-" + std::to_string(getpid());
}

inline FunctionPackage ConformancePackage() {
  static const TestDirectory directory;
  const std::string file = directory.path() + "/" + ConformanceActorName();
  if (!std::filesystem::exists(file)) {
    std::filesystem::copy_file(ProgramDirectory() + "/conformance_actor", file);
  }
  FunctionPackage package;
  package.name = "actor";
  package.version = 1;
  package.code_dir = directory.path();
  package.command = {"/var/task/" + ConformanceActorName()};
  return package;
}

}  // namespace nanogrid
