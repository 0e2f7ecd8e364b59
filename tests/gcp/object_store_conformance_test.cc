#include "nanogrid/testing/object_store_conformance.h"

#include "gcp/fake_gcs.h"
#include "nanogrid/adapters/gcp.h"

namespace nanogrid {
namespace {

// A fake of its own, which ends with the store.
class WithFake final : public ObjectStore {
 public:
  explicit WithFake(GcsOptions options) {
    options.bucket = "bucket";
    options.endpoint = fake_.url();
    options.anonymous = true;
    auto store = MakeGcsObjectStore(options);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
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
  FakeGcs fake_;
  std::unique_ptr<ObjectStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Gcs, ObjectStoreConformance,
    testing::Values(
        ObjectStoreAdapter{.name = "WholeBucket",
                           .make = [] { return std::make_unique<WithFake>(GcsOptions{}); },
                           .line_breaks = false},
        ObjectStoreAdapter{
            .name = "SmallPieces",
            .make = [] { return std::make_unique<WithFake>(GcsOptions{.chunk_bytes = 256 << 10}); },
            .line_breaks = false}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace nanogrid
