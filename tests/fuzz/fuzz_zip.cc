// Code archives: whatever is accepted is safe to unpack, and stored and read back as the same.
#include <cstdint>
#include <limits>

#include "check.h"
#include "engine/code_path.h"
#include "engine/code_zip.h"

namespace {

using namespace nanogrid;

constexpr CodeLimits kLimits = {
    .max_bytes = 1 << 20, .max_file_bytes = 1 << 19, .max_files = 100, .max_path_bytes = 100};

void CheckSafe(const CodeListing& listing, const CodeLimits& limits) {
  uint64_t bytes = 0;
  FUZZ_CHECK(!listing.empty());
  FUZZ_CHECK(listing.size() <= limits.max_files);
  for (const auto& [path, entry] : listing) {
    const auto normal = NormalizeCodePath(path, limits.max_path_bytes);
    FUZZ_CHECK(normal.ok() && *normal == path);
    FUZZ_CHECK(!IsIgnoredCodePath(path));
    FUZZ_CHECK(entry.content.size() <= limits.max_file_bytes);
    bytes += entry.content.size();
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      FUZZ_CHECK(!listing.contains(path.substr(0, slash)));
    }
    if (entry.kind == CodeEntry::Kind::kLink) {
      FUZZ_CHECK(!entry.content.empty() && entry.content.front() != '/');
    }
  }
  FUZZ_CHECK(bytes <= limits.max_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<CodeListing> unzipped = ReadZip(bytes, kLimits);
  if (unzipped.ok()) {
    CheckSafe(*unzipped, kLimits);
    const Result<CodeListing> again = DecodeCode(EncodeCode(*unzipped));
    FUZZ_CHECK(again.ok());
    FUZZ_CHECK(*again == *unzipped);
  } else {
    FUZZ_CHECK(unzipped.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(unzipped.status().message().size() < 2000);
  }
  // The same bytes as if they were stored code.
  const Result<CodeListing> stored = DecodeCode(bytes);
  if (stored.ok()) {
    CheckSafe(*stored, {.max_bytes = size, .max_file_bytes = size, .max_path_bytes = 4096});
    FUZZ_CHECK(EncodeCode(*stored) == bytes);
  } else {
    FUZZ_CHECK(stored.status().code() == absl::StatusCode::kDataLoss);
  }
  return 0;
}
