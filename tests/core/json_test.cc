#include "core/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nanogrid {
namespace {

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonTest, AcceptsOneValue) {
  for (const std::string& text :
       {std::string("null"), std::string(" {\"a\": [1, -2.5e3, true, \"\\u00e4 \xc3\xa4\"]}\n"),
        std::string("\"\""), std::string("0"), Nested(kMaxJsonDepth),
        "\"" + std::string(1 << 20, 'x') + "\"", std::string("123456789012345678901234567890")}) {
    EXPECT_TRUE(CheckJson(text).ok()) << text.substr(0, 100) << ": " << CheckJson(text);
  }
}

TEST(JsonTest, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("nul"), std::string("1 2"),
        std::string("[1,]"), std::string("{\"a\"}"), std::string("'a'"), std::string("NaN"),
        std::string("01"), std::string("\"\xff\""), std::string("\"\xc0\xaf\""),
        std::string("\"a\nb\""), std::string("null\0", 5), std::string("// c\n1"),
        std::string("\"\\ud800\""), std::string("\xef\xbb\xbf") + "1", Nested(kMaxJsonDepth + 1),
        std::string(100'000, '[')}) {
    EXPECT_EQ(CheckJson(text).code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 100);
  }
}

TEST(JsonTest, SaysWhereItIsWrong) {
  EXPECT_THAT(std::string(CheckJson("[1, 2, x]").message()), testing::HasSubstr("at byte 7"));
}

}  // namespace
}  // namespace nanogrid
