#include "nanogrid/testing/function_catalog_conformance.h"

#include "sqlite/temporary_database.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Sqlite, FunctionCatalogConformance,
                         testing::Values(FunctionCatalogAdapter{
                             "sqlite", []() { return NewDatabase().Open().catalog; }}));

}  // namespace nanogrid
