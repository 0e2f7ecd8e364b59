// From the public options to what the spawner is told.
#pragma once

#include "nanogrid/adapters/linux_sandbox.h"
#include "sandbox/linux/wire.h"

namespace nanogrid {

Result<wire::Configure> MakeConfigure(const LinuxSandboxOptions& options);

}  // namespace nanogrid
