// The command and environment of an instance, laid out for its init (wire::LaunchHeader).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "nanogrid/status.h"

namespace nanogrid {

// A sealed memfd. To the environment NANOGRID_OUTPUT is added. InvalidArgument for an empty
// command, NUL bytes, or more than 128 KiB.
Result<UniqueFd> MakeLaunchBlock(const std::vector<std::string>& command,
                                 const std::map<std::string, std::string>& env);

}  // namespace nanogrid
