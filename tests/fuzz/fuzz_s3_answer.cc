// What an S3 answers: what is taken has what an object must have.
#include "aws/s3/protocol.h"
#include "check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nanogrid;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto listing = aws::ParseS3Listing(text); listing.ok()) {
    for (const ObjectInfo& object : listing->objects) FUZZ_CHECK(!object.key.empty());
  }
  if (const auto upload = aws::ParseUploadId(text); upload.ok()) FUZZ_CHECK(!upload->empty());
  aws::ParseCompletionError(text).status().IgnoreError();
  // Names go into a request's line.
  for (const char c : aws::S3ObjectPath(text)) FUZZ_CHECK(c > ' ' && c < 0x7F && c != '?');
  return 0;
}
