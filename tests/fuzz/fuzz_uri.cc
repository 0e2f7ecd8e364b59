// URIs: what is accepted has a canonical text that is no longer, and is read back as the same.
#include "check.h"
#include "nanogrid/uri.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nanogrid;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Uri> uri = Uri::Parse(text);
  if (!uri.ok()) {
    FUZZ_CHECK(uri.status().code() == absl::StatusCode::kInvalidArgument);
    return 0;
  }
  FUZZ_CHECK(!uri->scheme.empty());
  FUZZ_CHECK(uri->path.find('\0') == std::string::npos);
  FUZZ_CHECK(uri->has_authority || (uri->host.empty() && uri->port == 0));
  const std::string canonical = uri->ToString();
  FUZZ_CHECK(canonical.size() <= text.size());
  const Result<Uri> again = Uri::Parse(canonical);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *uri);
  FUZZ_CHECK(again->ToString() == canonical);
  return 0;
}
