// Whole objects in memory.
#include <algorithm>
#include <cstring>

#include "core/errors.h"
#include "nanogrid/storage.h"

namespace nanogrid {
namespace {

class StringSink final : public Sink {
 public:
  explicit StringSink(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  Status Write(std::string_view bytes) override {
    if (bytes.size() > max_bytes_ - content_.size()) {
      return MakeError(absl::StatusCode::kResourceExhausted, "object is larger than {} bytes",
                       max_bytes_);
    }
    content_ += bytes;
    return absl::OkStatus();
  }
  std::string Take() { return std::move(content_); }

 private:
  const uint64_t max_bytes_;
  std::string content_;
};

class StringSource final : public Source {
 public:
  explicit StringSource(std::string_view content) : content_(content) {}

  Result<size_t> Read(std::span<char> buffer) override {
    const size_t size = std::min(buffer.size(), content_.size());
    if (size > 0) std::memcpy(buffer.data(), content_.data(), size);
    content_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view content_;
};

}  // namespace

Result<std::string> ReadObject(const Context& context, ObjectStore& store, std::string_view key,
                               uint64_t max_bytes) {
  StringSink sink(max_bytes);
  NANOGRID_RETURN_IF_ERROR(store.Read(context, key, sink));
  return sink.Take();
}

Result<ObjectInfo> WriteObject(const Context& context, ObjectStore& store, std::string_view key,
                               std::string_view content, const WriteOptions& options) {
  StringSource source(content);
  return store.Write(context, key, source, options);
}

}  // namespace nanogrid
