// The filter of every container.
#pragma once

#include <string_view>

namespace nanogrid::docker {

// JSON, made from the policy of src/sandbox/seccomp when this was built.
std::string_view SeccompProfile();

}  // namespace nanogrid::docker
