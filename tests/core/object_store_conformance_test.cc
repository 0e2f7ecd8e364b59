#include "nanogrid/testing/object_store_conformance.h"

#include "core/temporary_directory.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

// A file store that takes its directory with it.
class TemporaryFileStore final : public ObjectStore {
 public:
  explicit TemporaryFileStore(bool fsync)
      : store_(
            *MakeFileObjectStore({.directory = directory_.path() / "deep/store", .fsync = fsync})) {
  }

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    return store_->Read(context, key, sink);
  }
  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    return store_->Write(context, key, source, options);
  }
  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    return store_->Stat(context, key);
  }
  Status Remove(const Context& context, std::string_view key) override {
    return store_->Remove(context, key);
  }
  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    return store_->List(context, prefix, cursor, limit);
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreConformance,
                         testing::Values(ObjectStoreAdapter{
                             "memory", [] { return MakeMemoryObjectStore(); }}));
INSTANTIATE_TEST_SUITE_P(
    File, ObjectStoreConformance,
    testing::Values(
        ObjectStoreAdapter{"durable", [] { return std::make_unique<TemporaryFileStore>(true); }},
        ObjectStoreAdapter{"volatile", [] { return std::make_unique<TemporaryFileStore>(false); }}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace nanogrid
