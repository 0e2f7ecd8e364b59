#include "core/temporary_directory.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/adapters/mirror.h"
#include "nanogrid/testing/object_store_conformance.h"

namespace nanogrid {
namespace {

// A mirror whose outbox goes away with it. At its end both sides are the same.
class WithOutbox final : public ObjectStore {
 public:
  WithOutbox() {
    auto store = MakeMirroredStore(MakeMemoryObjectStore(), MakeMemoryObjectStore(),
                                   {.outbox = directory_.path().string()});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  ~WithOutbox() override {
    EXPECT_TRUE(store_->Flush(Context::WithTimeout(std::chrono::seconds(60))).ok());
    const auto report = store_->Verify(Context{}, "", false);
    EXPECT_TRUE(report.ok() && report->Equal()) << report.status();
    EXPECT_EQ(store_->stats().failed_attempts, 0u) << store_->stats().last_error;
    EXPECT_EQ(store_->stats().fallback_reads, 0u);
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
  std::unique_ptr<MirroredStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Mirror, ObjectStoreConformance,
                         testing::Values(ObjectStoreAdapter{.name = "of memory", .make = [] {
                                                              return std::make_unique<WithOutbox>();
                                                            }}));

}  // namespace
}  // namespace nanogrid
