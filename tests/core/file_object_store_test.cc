// What is the file store's own; what it shares with every store is in its conformance test.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <fstream>

#include "core/temporary_directory.h"
#include "core/unique_fd.h"
#include "nanogrid/adapters/file.h"

namespace nanogrid {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileObjectStoreTest : public testing::Test {
 protected:
  std::unique_ptr<ObjectStore> Open() {
    Result<std::unique_ptr<ObjectStore>> store =
        MakeFileObjectStore({.directory = root_.string(), .fsync = false});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  static Result<std::unique_ptr<ObjectStore>> OpenUri(const std::string& text) {
    Result<Uri> uri = Uri::Parse(text);
    EXPECT_TRUE(uri.ok()) << uri.status();
    return MakeFileObjectStore(*uri);
  }
  static void WriteFile(const fs::path& path, const std::string& content) {
    std::ofstream(path) << content;
  }
  static void Age(const fs::path& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }

  TemporaryDirectory directory_;
  const fs::path root_ = directory_.path() / "store";
};

TEST_F(FileObjectStoreTest, KeepsObjectsForTheNextProcess) {
  ASSERT_TRUE(WriteObject(Context{}, *Open(), "a/b", "content").ok());
  const auto store = Open();
  EXPECT_EQ(*ReadObject(Context{}, *store, "a/b"), "content");
  EXPECT_EQ(store->Stat(Context{}, "a/b")->etag, Open()->Stat(Context{}, "a/b")->etag);
}

TEST_F(FileObjectStoreTest, IsForItsOwnerAlone) {
  ASSERT_TRUE(WriteObject(Context{}, *Open(), "a/b", "content").ok());
  for (const auto& [path, mode] :
       {std::pair<const char*, mode_t>{".", 0700}, {"a%", 0700}, {"a%/b", 0600}, {"%tmp", 0700}}) {
    struct stat info {};
    ASSERT_EQ(stat((root_ / path).c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 07777, mode) << path;
  }
}

TEST_F(FileObjectStoreTest, LeavesNoTemporaryFilesAndNoEmptyDirectories) {
  const auto store = Open();
  ASSERT_TRUE(WriteObject(Context{}, *store, "a/b/c", "1").ok());
  ASSERT_TRUE(WriteObject(Context{}, *store, "a/d", "1", {.if_absent = true}).ok());
  EXPECT_TRUE(fs::is_empty(root_ / "%tmp"));
  ASSERT_TRUE(store->Remove(Context{}, "a/b/c").ok());
  EXPECT_FALSE(fs::exists(root_ / "a%/b%"));
  EXPECT_TRUE(fs::exists(root_ / "a%/d"));
}

TEST_F(FileObjectStoreTest, CleansUpAfterKilledWritersButNotLivingOnes) {
  Open();
  const fs::path abandoned = root_ / "%tmp/abandoned";
  const fs::path young = root_ / "%tmp/young";
  const fs::path locked = root_ / "%tmp/locked";
  for (const fs::path& path : {abandoned, young, locked}) WriteFile(path, "half");
  Age(abandoned);
  Age(locked);
  const UniqueFd writer(open(locked.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(writer.get(), LOCK_EX | LOCK_NB), 0);
  Open();
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_TRUE(fs::exists(locked));
}

TEST_F(FileObjectStoreTest, FollowsNoSymbolicLinkOutOfItsDirectory) {
  const auto store = Open();
  const fs::path outside = directory_.path() / "outside";
  fs::create_directory(outside);
  WriteFile(outside / "secret", "secret");
  fs::create_symlink(outside, root_ / "link%");
  fs::create_symlink(outside / "secret", root_ / "file");
  for (const char* key : {"link/secret", "file"}) {
    EXPECT_FALSE(ReadObject(Context{}, *store, key).ok()) << key;
    EXPECT_FALSE(store->Stat(Context{}, key).ok()) << key;
  }
  EXPECT_FALSE(WriteObject(Context{}, *store, "link/new", "x").ok());
  EXPECT_FALSE(store->Remove(Context{}, "link/secret").ok());
  EXPECT_TRUE(fs::exists(outside / "secret"));
  EXPECT_FALSE(fs::exists(outside / "new"));
  // A link in the place of an object is replaced, not followed.
  EXPECT_TRUE(WriteObject(Context{}, *store, "file", "mine").ok());
  EXPECT_EQ(*ReadObject(Context{}, *store, "file"), "mine");
  EXPECT_EQ(fs::file_size(outside / "secret"), 6u);
}

TEST_F(FileObjectStoreTest, PassesOverFilesThatAreNotItsOwn) {
  const auto store = Open();
  ASSERT_TRUE(WriteObject(Context{}, *store, "k", "1").ok());
  fs::create_directory(root_ / "lost+found");
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  WriteFile(root_ / "%wrong%escape", "");
  fs::create_symlink("nowhere", root_ / "dangling");
  const Result<ObjectPage> page = store->List(Context{}, "");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "k");
  EXPECT_EQ(ReadObject(Context{}, *store, "fifo").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileObjectStoreTest, OpensByUri) {
  const std::string base = "file://" + root_.string();
  for (const char* query : {"", "?fsync=true", "?fsync=false"}) {
    EXPECT_TRUE(OpenUri(base + query).ok()) << query;
  }
  const std::pair<std::string, const char*> wrong[] = {
      {base + "?fsync=maybe", "fsync 'maybe': must be true or false"},
      {base + "?sync=true", "'sync' is not known"},
      {"file:relative", "absolute path"},
      {"file://host/dir", "without a host"},
      {"memory:", "must be file:///dir"},
  };
  for (const auto& [uri, message] : wrong) {
    const auto store = OpenUri(uri);
    EXPECT_EQ(store.status().code(), absl::StatusCode::kInvalidArgument) << uri;
    EXPECT_THAT(std::string(store.status().message()), HasSubstr(message));
  }
}

TEST_F(FileObjectStoreTest, SaysWhyItCannotOpen) {
  EXPECT_EQ(MakeFileObjectStore(FileObjectStoreOptions{}).status().code(),
            absl::StatusCode::kInvalidArgument);
  WriteFile(root_, "a file");
  const auto store = MakeFileObjectStore({.directory = root_.string()});
  EXPECT_THAT(std::string(store.status().message()), HasSubstr(root_.string()));
}

}  // namespace
}  // namespace nanogrid
