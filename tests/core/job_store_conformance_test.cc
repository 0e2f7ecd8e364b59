#include "nanogrid/testing/job_store_conformance.h"

#include "nanogrid/adapters/memory.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Memory, JobStoreConformance,
                         testing::Values(JobStoreAdapter{"memory", [](const Clock& clock) {
                                                           return MakeMemoryJobStore(clock);
                                                         }}));

}  // namespace nanogrid
