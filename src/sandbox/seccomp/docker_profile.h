// The policy in the words of container engines.
#pragma once

#include <string>

namespace nanogrid::seccomp {

// A seccomp profile as Docker and Podman take it (JSON): the rules of Policy() and nothing besides.
// Only x86-64 is in it, so that other ABIs are killed; what no rule names answers ENOSYS.
std::string DockerProfile();

}  // namespace nanogrid::seccomp
