#include "http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client.h"

namespace nanogrid {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Target, PathAndQueryAreTakenApartBeforeTheyAreDecoded) {
  const auto target = ParseTarget("/v1/a%2Fb/c%20d?x=1%262&y&z=a+b%2Bc&&=e");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_THAT(target->segments, ElementsAre("v1", "a/b", "c d"));
  EXPECT_THAT(target->query,
              ElementsAre(Pair("x", "1&2"), Pair("y", ""), Pair("z", "a b+c"), Pair("", "e")));
}

TEST(Target, SlashesMakeSegmentsAlsoWhereNothingIsBetweenThem) {
  EXPECT_THAT(ParseTarget("/")->segments, ElementsAre(""));
  EXPECT_THAT(ParseTarget("/a/")->segments, ElementsAre("a", ""));
  EXPECT_THAT(ParseTarget("//a")->segments, ElementsAre("", "a"));
  EXPECT_THAT(ParseTarget("/..")->segments, ElementsAre(".."));
}

TEST(Target, AnAbsoluteOneNamesItsHost) {
  const auto target = ParseTarget("http://localhost:80/a?b=c");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->authority, "localhost:80");
  EXPECT_THAT(target->segments, ElementsAre("a"));
  EXPECT_THAT(ParseTarget("http://host")->segments, ElementsAre(""));
}

TEST(Target, WhatIsBrokenIsRefused) {
  for (const char* const text :
       {"", "*", "a/b", "/%", "/%4", "/%4g", "/%00", "/%ff", "/%C3", "/a b", "/a\tb", "/#x",
        "/\xC3\xA4", "/?a=%", "http://", "http:///a", "ftp://host/"}) {
    EXPECT_EQ(ParseTarget(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Target, WhatIsEncodedIsReadBack) {
  const std::string text = "a/b c+d&e=f?#%\xC3\xA4~.-_";
  const auto target = ParseTarget("/" + PercentEncode(text) + "?k=" + PercentEncode(text));
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_THAT(target->segments, ElementsAre(text));
  EXPECT_THAT(target->query, ElementsAre(Pair("k", text)));
}

}  // namespace
}  // namespace nanogrid
