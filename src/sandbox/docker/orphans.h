// Containers that a dead process left behind.
#pragma once

#include "sandbox/docker/engine_api.h"

namespace nanogrid::docker {

// Removes every container of ours whose owner is gone (owner.h), frozen ones included.
Status RemoveOrphans(const Context& context, EngineApi& api);

}  // namespace nanogrid::docker
