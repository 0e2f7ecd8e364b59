// Frame headers: what is accepted is within its limits and encodes to the very same bytes.
#include <algorithm>

#include "check.h"
#include "core/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nanogrid;
  const char* const bytes = reinterpret_cast<const char*>(data);
  for (size_t at = 0; size - at >= kFrameHeaderSize; at += kFrameHeaderSize) {
    const std::span<const char, kFrameHeaderSize> encoded(bytes + at, kFrameHeaderSize);
    const Result<FrameHeader> header = DecodeFrameHeader(encoded);
    if (!header.ok()) {
      FUZZ_CHECK(header.status().code() == absl::StatusCode::kInvalidArgument);
      FUZZ_CHECK(!header.status().message().empty());
      continue;
    }
    FUZZ_CHECK(header->meta_length <= kMaxFrameMeta);
    FUZZ_CHECK(header->body_length <= kMaxFrameBody);
    FUZZ_CHECK(header->deadline_ms >= 0);
    const FrameHeaderBytes again = EncodeFrameHeader(*header);
    FUZZ_CHECK(std::equal(again.begin(), again.end(), encoded.begin()));
  }
  return 0;
}
