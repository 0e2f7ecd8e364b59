// How a redis: URI of a configuration is opened.
#pragma once

#include "nanogrid/adapters/fleet_config.h"
#include "nanogrid/adapters/redis.h"

namespace nanogrid {

// With the user and password of the configuration.
Result<RedisOptions> RedisOptionsOf(const FleetConfig& config, const Uri& uri);

}  // namespace nanogrid
