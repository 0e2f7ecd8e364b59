// What is asked of each part of a fleet to see whether it works.
#pragma once

#include <vector>

#include "fleet/health_probes.h"
#include "nanogrid/adapters/fleet.h"

namespace nanogrid {

std::vector<Probe> FleetProbes(const FleetParts& parts);

}  // namespace nanogrid
