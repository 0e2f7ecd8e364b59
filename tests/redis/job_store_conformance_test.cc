#include "nanogrid/testing/job_store_conformance.h"

#include "redis/redis_server.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Redis, JobStoreConformance,
                         testing::Values(JobStoreAdapter{
                             "redis", [](const Clock& clock) {
                               RedisOptions options = SharedRedisServer().options();
                               options.clock = &clock;
                               return OpenRedisJobStore(options).value();
                             }}));

}  // namespace nanogrid
