// Whose containers are whose: so that those of a dead process can be told from a living one's.
#pragma once

#include <string>
#include <string_view>

namespace nanogrid::docker {

// This process, as the label of its containers: "BOOT PIDNAMESPACE PID STARTTIME".
std::string OwnerOfThisProcess();

// Whether the process that an owner label names is certainly gone. One that cannot be judged from
// here (it is in another pid namespace), or that no build of ours wrote, is not.
bool OwnerIsGone(std::string_view owner);

}  // namespace nanogrid::docker
