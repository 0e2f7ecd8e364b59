#include "aws/dynamodb_test_tables.h"
#include "nanogrid/testing/job_store_conformance.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(DynamoDb, JobStoreConformance,
                         testing::Values(JobStoreAdapter{"moto", [](const Clock& clock) {
                                                           return OpenDynamoDbJobs(
                                                               NewJobTable(MotoUrl()), clock);
                                                         }}));

}  // namespace nanogrid
