#include "nanogrid/testing/queue_conformance.h"

#include "redis/redis_server.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(
    Redis, QueueConformance,
    testing::Values(QueueAdapter{
        .name = "redis",
        .make = [](const Clock&) { return OpenRedisQueue(SharedRedisServer().options()).value(); },
        .real_time = true}));

}  // namespace nanogrid
