#include "nanogrid/testing/function_catalog_conformance.h"

#include "nanogrid/adapters/memory.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Memory, FunctionCatalogConformance,
                         testing::Values(FunctionCatalogAdapter{
                             "memory", [] { return MakeMemoryFunctionCatalog(); }}));

}  // namespace nanogrid
