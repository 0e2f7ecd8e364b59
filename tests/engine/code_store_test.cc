#include "engine/code_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "core/scratch_directory.h"
#include "core/sha256.h"
#include "engine/status_matchers.h"
#include "engine/temp_directory.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;
using Kind = CodeEntry::Kind;

CodeListing Sample() {
  return {{"app.py", {Kind::kFile, "print(1)"}},
          {"bin/run", {Kind::kProgram, "#!/bin/sh"}},
          {"bin/link", {Kind::kLink, "../app.py"}}};
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode : 0;
}

class CodeStoreTest : public ::testing::Test {
 protected:
  TempDirectory directory_;
  std::unique_ptr<ObjectStore> objects_ = MakeMemoryObjectStore();
  CodeStore store_{*objects_, directory_.path()};
};

TEST_F(CodeStoreTest, TheSameCodeIsStoredOnceUnderItsSha256) {
  const auto first = store_.Put({}, Sample());
  const auto second = store_.Put({}, Sample());
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(*first, Sha256Hex(EncodeCode(Sample())));
  const auto page = objects_->List({}, "");
  ASSERT_EQ(page->objects.size(), 1);
  EXPECT_EQ(page->objects[0].key, "code/" + *first);
}

TEST_F(CodeStoreTest, UnpackedCodeIsReadableByAllAndWritableByNone) {
  const auto path = store_.Unpack({}, *store_.Put({}, Sample()));
  ASSERT_THAT(path, IsOk());
  EXPECT_EQ(ReadFile(*path + "/app.py"), "print(1)");
  EXPECT_EQ(ReadFile(*path + "/bin/link"), "print(1)");
  EXPECT_EQ(ModeOf(*path), S_IFDIR | 0755u);
  EXPECT_EQ(ModeOf(*path + "/bin"), S_IFDIR | 0755u);
  EXPECT_EQ(ModeOf(*path + "/app.py"), S_IFREG | 0444u);
  EXPECT_EQ(ModeOf(*path + "/bin/run"), S_IFREG | 0555u);
}

TEST_F(CodeStoreTest, ManyThreadsAndStoresUnpackTheSameCodeOnce) {
  const std::string digest = *store_.Put({}, Sample());
  CodeStore other(*objects_, directory_.path());  // as another process would
  std::vector<Result<std::string>> paths(16, absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < paths.size(); ++i) {
    threads.emplace_back([&, i] { paths[i] = (i % 2 ? store_ : other).Unpack({}, digest); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& path : paths) {
    ASSERT_THAT(path, IsOk());
    EXPECT_EQ(*path, directory_ / digest);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(CodeStoreTest, DamagedObjectsAreNotUnpacked) {
  const std::string digest = *store_.Put({}, Sample());
  ASSERT_THAT(WriteObject({}, *objects_, "code/" + digest, EncodeCode({{"evil", {}}})), IsOk());
  EXPECT_THAT(store_.Unpack({}, digest), FailsWith(kDataLoss, digest.c_str()));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(CodeStoreTest, MissingObjectsAreNotFoundAndLeaveNothingBehind) {
  EXPECT_THAT(store_.Unpack({}, std::string(64, '0')), FailsWith(kNotFound, ""));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST(ScratchDirectory, GoesAwayWithItsOwner) {
  const TempDirectory parent;
  std::string path;
  {
    const auto scratch = ScratchDirectory::Make(parent.path(), "x-", 0755);
    ASSERT_THAT(scratch, IsOk());
    path = scratch->path();
    std::ofstream(path + "/file") << "x";
    EXPECT_EQ(ModeOf(path), S_IFDIR | 0755u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ScratchDirectory, OnlyWhatNobodyOwnsIsTakenForAbandoned) {
  const TempDirectory parent;
  const auto owned = ScratchDirectory::Make(parent.path(), "x-", 0700);
  parent.Write("x-abandoned/deep/file", "x");
  parent.Write("y-other/file", "x");
  ScratchDirectory::RemoveAbandoned(parent.path(), "x-");
  EXPECT_TRUE(std::filesystem::exists(owned->path()));
  EXPECT_FALSE(std::filesystem::exists(parent / "x-abandoned"));
  EXPECT_TRUE(std::filesystem::exists(parent / "y-other"));
}

TEST(ScratchDirectory, AnAbandonedLinkIsNotFollowed) {
  const TempDirectory parent;
  parent.Write("target/file", "x");
  std::filesystem::create_directory_symlink("target", parent / "x-link");
  ScratchDirectory::RemoveAbandoned(parent.path(), "x-");
  EXPECT_TRUE(std::filesystem::exists(parent / "target/file"));
}

}  // namespace
}  // namespace nanogrid
