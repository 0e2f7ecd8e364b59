// What the tests of object_store_conformance.h are told, and what they have in common.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nanogrid/storage.h"

namespace nanogrid {

struct ObjectStoreAdapter {
  std::string name{};
  std::function<std::unique_ptr<ObjectStore>()> make{};
  // Some services cannot keep keys with CR or LF; they must be InvalidArgument then.
  bool line_breaks = true;
  // What a double of a service cannot do, by the name of the test: why it is skipped.
  std::map<std::string, std::string> skips{};
};
inline void PrintTo(const ObjectStoreAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class ObjectStoreConformance : public testing::TestWithParam<ObjectStoreAdapter> {
 protected:
  using Code = absl::StatusCode;

  // Gives `content` in pieces of up to `piece` bytes, then runs `at_end`, then ends or fails.
  struct PieceSource final : Source {
    explicit PieceSource(std::string text) : content(std::move(text)) {}
    Result<size_t> Read(std::span<char> buffer) override {
      if (content.empty() && at_end) std::exchange(at_end, nullptr)();
      if (content.empty() && !failure.ok()) return failure;
      const size_t size = std::min({buffer.size(), content.size(), piece});
      std::copy_n(content.begin(), size, buffer.begin());
      content.erase(0, size);
      return size;
    }
    std::string content;
    size_t piece = 1000;
    std::function<void()> at_end{};
    Status failure{};
  };
  // Keeps what it is given, after asking `before`.
  struct KeepingSink final : Sink {
    Status Write(std::string_view bytes) override {
      if (before) {
        if (Status status = before(); !status.ok()) return status;
      }
      content += bytes;
      return absl::OkStatus();
    }
    std::function<Status()> before{};
    std::string content{};
  };

  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    const auto skip = GetParam().skips.find(name.substr(0, name.find('/')));
    if (skip != GetParam().skips.end()) GTEST_SKIP() << skip->second;
    store_ = GetParam().make();
    ASSERT_NE(store_, nullptr);
  }

  ObjectInfo Put(const std::string& key, std::string_view content, WriteOptions options = {}) {
    Result<ObjectInfo> written = WriteObject(Context{}, *store_, key, content, options);
    EXPECT_TRUE(written.ok()) << key << ": " << written.status();
    return written.ok() ? *written : ObjectInfo{};
  }
  std::string Content(const std::string& key) {
    Result<std::string> content = ReadObject(Context{}, *store_, key);
    EXPECT_TRUE(content.ok()) << key << ": " << content.status();
    return content.ok() ? *content : "";
  }
  Code ReadCode(const std::string& key) {
    return ReadObject(Context{}, *store_, key).status().code();
  }
  // All keys with `prefix`, from pages of `limit`; checks the shape of the pages on the way.
  std::vector<std::string> Keys(const std::string& prefix, size_t limit = 1000) {
    std::vector<std::string> keys;
    std::string cursor;
    do {
      Result<ObjectPage> page = store_->List(Context{}, prefix, cursor, limit);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->objects.size(), limit);
      EXPECT_TRUE(page->cursor.empty() || !page->objects.empty());
      for (const ObjectInfo& object : page->objects) keys.push_back(object.key);
      cursor = page->cursor;
    } while (!cursor.empty());
    return keys;
  }
  static std::string Bytes(size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }

  std::unique_ptr<ObjectStore> store_;
};

}  // namespace nanogrid
