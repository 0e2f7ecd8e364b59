#include "nanogrid/testing/job_store_conformance.h"

#include "sqlite/temporary_database.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance,
                         testing::Values(JobStoreAdapter{"sqlite", [](const Clock& clock) {
                                                           return NewDatabase().Open(clock).jobs;
                                                         }}));

}  // namespace nanogrid
