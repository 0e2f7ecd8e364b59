#include "nanogrid/testing/object_store_conformance.h"

#include "core/routed_object_store.h"
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

// Of the keys that the suite uses, some are in the one store and some in the other.
ObjectStoreAdapter Routed(std::string name, std::string prefix) {
  return {std::move(name), [prefix] {
            return MakeRoutedObjectStore(prefix, MakeMemoryObjectStore(), MakeMemoryObjectStore());
          }};
}

TEST(RoutedObjectStoreTest, EachStoreGetsItsOwnKeysAndNothingElseIsSeenOfIt) {
  const std::shared_ptr<ObjectStore> jobs = MakeMemoryObjectStore();
  const std::shared_ptr<ObjectStore> rest = MakeMemoryObjectStore();
  const auto both = MakeRoutedObjectStore("jobs/", jobs, rest);
  for (const char* key : {"code/a", "jobs/1/result", "jobs/2/result", "zone"}) {
    ASSERT_TRUE(WriteObject({}, *both, key, "x").ok());
  }
  EXPECT_TRUE(jobs->Stat({}, "jobs/1/result").ok());
  EXPECT_TRUE(rest->Stat({}, "code/a").ok());
  EXPECT_FALSE(rest->Stat({}, "jobs/1/result").ok());
  ASSERT_TRUE(WriteObject({}, *rest, "jobs/3/hidden", "x").ok());
  ASSERT_TRUE(WriteObject({}, *jobs, "hidden", "x").ok());
  EXPECT_FALSE(both->Stat({}, "hidden").ok());
  EXPECT_FALSE(both->Stat({}, "jobs/3/hidden").ok());
  for (const size_t limit : {1, 2, 3, 4, 5}) {
    std::vector<std::string> keys;
    std::string cursor;
    do {
      const Result<ObjectPage> page = both->List({}, "", cursor, limit);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->objects.size(), std::min(limit, 4 - keys.size()));
      for (const ObjectInfo& object : page->objects) keys.push_back(object.key);
      cursor = page->cursor;
    } while (!cursor.empty());
    EXPECT_EQ(keys, (std::vector<std::string>{"code/a", "jobs/1/result", "jobs/2/result", "zone"}));
  }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Routed, ObjectStoreConformance,
                         testing::Values(Routed("p", "p/"), Routed("k", "k"), Routed("a", "a/b"),
                                         Routed("s", "s/"), Routed("none", "jobs/")),
                         [](const auto& tested) { return tested.param.name; });
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
