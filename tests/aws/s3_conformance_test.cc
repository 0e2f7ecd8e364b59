#include "aws/s3_test_bucket.h"
#include "nanogrid/testing/object_store_conformance.h"

namespace nanogrid {
namespace {

ObjectStoreAdapter S3(const std::string& variable) {
  ObjectStoreAdapter adapter{.name = variable,
                             .make = [variable] { return OpenS3(DoubleUrl(variable.c_str())); },
                             .line_breaks = false};
  if (variable == "NANOGRID_TEST_FAUXQS") {
    const char* const conditions = "fauxqs knows no If-None-Match; S3 and moto do";
    const char* const order = "fauxqs lists by the order of a language, not by bytes as S3 does";
    adapter.skips = {{"IfAbsentKeepsTheFirst", conditions},
                     {"OfManyWhoWriteIfAbsentOneSucceeds", conditions},
                     {"AgreesWithAMapOverRandomOperations", conditions},
                     {"TakesEveryValidKey", order}};
  }
  return adapter;
}

INSTANTIATE_TEST_SUITE_P(Double, ObjectStoreConformance, testing::Values(S3(NANOGRID_TEST_DOUBLE)));

}  // namespace
}  // namespace nanogrid
