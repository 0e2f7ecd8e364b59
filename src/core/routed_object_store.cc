#include "core/routed_object_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxPage = 1000;

class RoutedObjectStore final : public ObjectStore {
 public:
  RoutedObjectStore(std::string prefix, std::shared_ptr<ObjectStore> routed,
                    std::shared_ptr<ObjectStore> rest)
      : prefix_(std::move(prefix)), routed_(std::move(routed)), rest_(std::move(rest)) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    return StoreOf(key).Read(context, key, sink);
  }
  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    return StoreOf(key).Write(context, key, source, options);
  }
  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    return StoreOf(key).Stat(context, key);
  }
  Status Remove(const Context& context, std::string_view key) override {
    return StoreOf(key).Remove(context, key);
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    if (prefix.starts_with(prefix_)) return routed_->List(context, prefix, cursor, limit);
    if (!prefix_.starts_with(prefix)) return rest_->List(context, prefix, cursor, limit);
    return ListBoth(context, prefix, cursor, limit);
  }

 private:
  using Objects = std::vector<ObjectInfo>;

  ObjectStore& StoreOf(std::string_view key) const {
    return key.starts_with(prefix_) ? *routed_ : *rest_;
  }

  Result<ObjectPage> ListBoth(const Context& context, std::string_view prefix,
                              std::string_view cursor, size_t limit) const {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto last, ReadCursor(cursor, prefix));
    const std::string after = last.value_or("");
    const auto in_rest = [this](const ObjectInfo& object) {
      return !object.key.starts_with(prefix_);
    };
    // One more than asked for tells whether there is more.
    NANOGRID_ASSIGN_OR_RETURN(const Objects rest,
                              Gather(context, *rest_, prefix, after, limit + 1, in_rest));
    NANOGRID_ASSIGN_OR_RETURN(const Objects routed, GatherRouted(context, after, limit + 1));
    ObjectPage page;
    std::merge(rest.begin(), rest.end(), routed.begin(), routed.end(),
               std::back_inserter(page.objects),
               [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    if (page.objects.size() > limit) {
      page.objects.resize(limit);
      page.cursor = MakeCursor(page.objects.back().key);
    }
    return page;
  }

  Result<Objects> GatherRouted(const Context& context, const std::string& after,
                               size_t wanted) const {
    const bool begun = after.starts_with(prefix_);
    if (!begun && after > prefix_) return Objects();  // all of them come before
    return Gather(context, *routed_, prefix_, begun ? after : "", wanted,
                  [](const ObjectInfo&) { return true; });
  }

  // The first objects with `prefix` after the key `after` that `fits` wants.
  template <typename Fits>
  static Result<Objects> Gather(const Context& context, ObjectStore& store, std::string_view prefix,
                                const std::string& after, size_t wanted, Fits fits) {
    Objects objects;
    std::string cursor = after.empty() ? "" : MakeCursor(after);
    do {
      NANOGRID_ASSIGN_OR_RETURN(
          ObjectPage page,
          store.List(context, prefix, cursor, std::min(kMaxPage, wanted - objects.size())));
      std::copy_if(std::make_move_iterator(page.objects.begin()),
                   std::make_move_iterator(page.objects.end()), std::back_inserter(objects), fits);
      cursor = std::move(page.cursor);
    } while (!cursor.empty() && objects.size() < wanted);
    return objects;
  }

  const std::string prefix_;
  const std::shared_ptr<ObjectStore> routed_;
  const std::shared_ptr<ObjectStore> rest_;
};

}  // namespace

std::unique_ptr<ObjectStore> MakeRoutedObjectStore(std::string prefix,
                                                   std::shared_ptr<ObjectStore> routed,
                                                   std::shared_ptr<ObjectStore> rest) {
  return std::make_unique<RoutedObjectStore>(std::move(prefix), std::move(routed), std::move(rest));
}

}  // namespace nanogrid
