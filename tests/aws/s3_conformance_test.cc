#include "aws/s3_test_bucket.h"
#include "nanogrid/testing/object_store_conformance.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(
    Moto, ObjectStoreConformance,
    testing::Values(ObjectStoreAdapter{
        .name = "moto", .make = [] { return OpenS3(MotoUrl()); }, .line_breaks = false}));

}  // namespace nanogrid
