#include "core/names.h"

#include <gtest/gtest.h>

#include "core/file_object_paths.h"

namespace nanogrid {
namespace {

TEST(Utf8Test, IsWhatTheStandardCallsWellFormed) {
  for (const std::string_view text :
       {"", "ascii", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << testing::PrintToString(text);
  }
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x20", "\xe0\x9f\xbf", "\xe0\xa0",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(CursorTest, LeadsBackToItsListingOnly) {
  EXPECT_EQ(*ReadCursor("", "p/"), std::nullopt);
  EXPECT_EQ(*ReadCursor(MakeCursor("p/a"), "p/"), "p/a");
  EXPECT_EQ(*ReadCursor(MakeCursor("p/a"), ""), "p/a");
  for (const std::string& cursor : {MakeCursor("q/a"), MakeCursor(""), std::string("p/a")}) {
    EXPECT_FALSE(ReadCursor(cursor, "p/").ok()) << cursor;
  }
}

TEST(ObjectPathTest, SegmentsBecomeDirectories) {
  const std::string part(240, 'x');
  const std::pair<std::string, std::string> cases[] = {
      {"a", "a"},
      {"a/b", "a%/b"},
      {"a/b/c%d", "a%/b%/c%25d"},
      {"%tmp", "%25tmp"},
      {part, part},
      {part + "y", part + "%-/y"},
      {part + "y/z", part + "%-/y%/z"},
      {part + part + "y", part + "%-/" + part + "%-/y"},
  };
  for (const auto& [key, path] : cases) EXPECT_EQ(PathOfKey(key), path);
}

TEST(ObjectPathTest, NamesAreReadBack) {
  const auto kind = [](std::string_view name) { return ParseFileName(name).kind; };
  EXPECT_EQ(kind("a"), FileKind::kObject);
  EXPECT_EQ(kind("a%25"), FileKind::kObject);
  EXPECT_EQ(kind("a%"), FileKind::kDirectory);
  EXPECT_EQ(kind("a%25%"), FileKind::kDirectory);
  EXPECT_EQ(kind("a%-"), FileKind::kContinuation);
  EXPECT_EQ(ParseFileName("a%25%").escaped, "a%25");
  EXPECT_EQ(UnescapeSegment("a%25b"), "a%b");
  EXPECT_EQ(UnescapeSegment("%tmp"), std::nullopt);
  EXPECT_EQ(UnescapeSegment(""), std::nullopt);
}

}  // namespace
}  // namespace nanogrid
