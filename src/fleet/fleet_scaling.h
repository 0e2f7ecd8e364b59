// The autoscaler of a controller, as its configuration wants it.
#pragma once

#include <memory>

#include "nanogrid/adapters/fleet.h"
#include "nanogrid/autoscaler.h"

namespace nanogrid {

// Null if scaling.group is none. What the arguments refer to outlives it.
Result<std::unique_ptr<Autoscaler>> MakeFleetScaling(const FleetConfig& config,
                                                     const FleetParts& parts, Observer& observer);

// For /metrics: how many workers there are and should be.
void AppendScalingMetrics(const ScalingSample& sample, std::string& text);

}  // namespace nanogrid
