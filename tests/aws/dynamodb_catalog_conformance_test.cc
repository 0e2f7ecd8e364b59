#include "aws/dynamodb_test_tables.h"
#include "nanogrid/testing/function_catalog_conformance.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(DynamoDb, FunctionCatalogConformance,
                         testing::Values(FunctionCatalogAdapter{
                             "double",
                             [] { return NewDynamoDbCatalog(DoubleUrl(NANOGRID_TEST_DOUBLE)); }}));

}  // namespace nanogrid
