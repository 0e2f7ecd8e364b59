// From the public options to what the spawner is told.
#pragma once

#include <cstdint>
#include <memory>

#include "nanogrid/adapters/linux_sandbox.h"
#include "sandbox/linux/wire.h"

namespace nanogrid {

Result<wire::Configure> MakeConfigure(const LinuxSandboxOptions& options);

// For tests: the given step of the set-up, counted from 1 and from the spawner's birth on, fails.
// Nothing is made ahead of time, so that the steps of a start are always the same.
Result<std::unique_ptr<Sandbox>> MakeFaultyLinuxSandbox(const LinuxSandboxOptions& options,
                                                        int32_t fault_step);

}  // namespace nanogrid
