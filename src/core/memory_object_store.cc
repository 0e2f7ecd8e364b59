#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "core/errors.h"
#include "core/names.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

struct Object {
  std::shared_ptr<const std::string> content;  // readers keep theirs while it is replaced
  uint64_t generation = 0;
  SystemTime modified;
};

class MemoryObjectStore final : public ObjectStore {
 public:
  explicit MemoryObjectStore(const Clock& clock) : clock_(clock) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    std::shared_ptr<const std::string> content;
    {
      const std::shared_lock lock(mutex_);
      const auto found = objects_.find(key);
      if (found == objects_.end()) return NotFound("object '{}' does not exist", key);
      content = found->second.content;
    }
    std::string_view rest = *content;
    do {
      NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
      const std::string_view chunk = rest.substr(0, kChunkBytes);
      if (!chunk.empty()) NANOGRID_RETURN_IF_ERROR(sink.Write(chunk));
      rest.remove_prefix(chunk.size());
    } while (!rest.empty());
    return absl::OkStatus();
  }

  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_ASSIGN_OR_RETURN(std::string content, ReadAll(context, source));
    Object object{.content = std::make_shared<const std::string>(std::move(content)),
                  .modified = clock_.WallNow()};
    const std::unique_lock lock(mutex_);
    const auto found = objects_.find(key);
    if (found != objects_.end() && options.if_absent) {
      return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", key);
    }
    object.generation = ++last_generation_;
    Object& stored = found != objects_.end() ? found->second : objects_[std::string(key)];
    stored = std::move(object);
    return Describe(key, stored);
  }

  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::shared_lock lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return NotFound("object '{}' does not exist", key);
    return Describe(key, found->second);
  }

  Status Remove(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::unique_lock lock(mutex_);
    if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
    return absl::OkStatus();
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    ObjectPage page;
    const std::shared_lock lock(mutex_);
    auto next = after ? objects_.upper_bound(*after) : objects_.lower_bound(prefix);
    for (; next != objects_.end() && next->first.starts_with(prefix); ++next) {
      if (page.objects.size() == limit) {
        page.cursor = MakeCursor(page.objects.back().key);
        break;
      }
      page.objects.push_back(Describe(next->first, next->second));
    }
    return page;
  }

 private:
  Result<std::string> ReadAll(const Context& context, Source& source) const {
    std::string content;
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    for (;;) {
      const size_t before = content.size();
      content.resize(before + kChunkBytes);
      NANOGRID_ASSIGN_OR_RETURN(const size_t size, source.Read(std::span(content).subspan(before)));
      content.resize(before + size);
      NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
      if (size == 0) break;
    }
    content.shrink_to_fit();
    return content;
  }

  static ObjectInfo Describe(std::string_view key, const Object& object) {
    return {.key = std::string(key),
            .size = object.content->size(),
            .etag = std::to_string(object.generation),
            .modified = object.modified};
  }

  const Clock& clock_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Object, std::less<>> objects_;
  uint64_t last_generation_ = 0;
};

}  // namespace

std::unique_ptr<ObjectStore> MakeMemoryObjectStore(const Clock& clock) {
  return std::make_unique<MemoryObjectStore>(clock);
}

}  // namespace nanogrid
