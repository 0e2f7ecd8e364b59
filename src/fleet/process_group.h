// Workers as processes on this machine.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "nanogrid/autoscaler.h"

namespace nanogrid {

struct ProcessGroupOptions {
  std::string program{};                 // a path
  std::vector<std::string> arguments{};  // "--name NAME" is added
  std::string name_prefix{};             // of the workers: "host-4711-"; then a number
};

// They have this process's environment and standard error. One that ends by itself is missing from
// then on. They are told to go (SIGTERM: what runs is finished) with the group, and with this
// process, however it ends.
std::unique_ptr<WorkerGroup> MakeProcessGroup(ProcessGroupOptions options);

}  // namespace nanogrid
