#include "nanogrid/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nanogrid {
namespace {

using testing::HasSubstr;

Uri Parsed(std::string_view text) {
  Result<Uri> uri = Uri::Parse(text);
  EXPECT_TRUE(uri.ok()) << text << ": " << uri.status();
  return uri.ok() ? *uri : Uri{};
}

TEST(UriTest, TakesAddressesApart) {
  struct Case {
    std::string_view text;
    Uri uri;
  };
  const Case cases[] = {
      {"memory:", {.scheme = "memory"}},
      {"file:///var/lib/x", {.scheme = "file", .path = "/var/lib/x", .has_authority = true}},
      {"sqlite:jobs.db", {.scheme = "sqlite", .path = "jobs.db"}},
      {"sqlite:/abs/jobs.db", {.scheme = "sqlite", .path = "/abs/jobs.db"}},
      {"REDIS://Example.COM:6379/0",
       {.scheme = "redis",
        .host = "example.com",
        .port = 6379,
        .path = "/0",
        .has_authority = true}},
      {"http://[::1]:8080", {.scheme = "http", .host = "::1", .port = 8080, .has_authority = true}},
      {"http://[FE80::1]/",
       {.scheme = "http", .host = "fe80::1", .path = "/", .has_authority = true}},
      {"s3:b?region=eu&k=", {.scheme = "s3", .path = "b", .query = {{"k", ""}, {"region", "eu"}}}},
      {"a+b.c-1:x", {.scheme = "a+b.c-1", .path = "x"}},
      {"linux:?mode=root", {.scheme = "linux", .query = {{"mode", "root"}}}},
      {"file:///a%20b%2Fc%3f", {.scheme = "file", .path = "/a b/c?", .has_authority = true}},
      {"x:?a%3Db=c=d", {.scheme = "x", .query = {{"a=b", "c=d"}}}},
      {"x:%2F%2Fy", {.scheme = "x", .path = "//y"}},
      {"x:ä", {.scheme = "x", .path = "ä"}},
      {"x:a@b:c", {.scheme = "x", .path = "a@b:c"}},
      {"x:?", {.scheme = "x"}},
  };
  for (const Case& c : cases) EXPECT_EQ(Parsed(c.text), c.uri) << c.text;
}

TEST(UriTest, RefusesWhatItDoesNotUnderstandAndSaysWhichPart) {
  struct Case {
    std::string text;
    std::string_view message;
  };
  const Case cases[] = {
      {"", "no scheme"},
      {"memory", "'memory': no scheme"},
      {":x", "scheme ''"},
      {"1x:", "scheme '1x'"},
      {"a b:", "scheme 'a b'"},
      {"redis://h:0", "port '0'"},
      {"redis://h:65536", "port '65536'"},
      {"redis://h:", "port ''"},
      {"redis://h:6379x", "port '6379x'"},
      {"redis://:1", "needs a host"},
      {"redis://a%41/", "host 'a%41'"},
      {"redis://a_b c/", "host 'a_b c'"},
      {"http://[::1", "']' is missing"},
      {"http://[::g]/", "host '[::g]'"},
      {"http://[::1]x/", "only a port"},
      {"file:///a%", "'%' is no percent escape"},
      {"file:///a%4", "'%4' is no percent escape"},
      {"file:///a%zz", "'%zz' is no percent escape"},
      {"file:///a%00b", "%00"},
      {"file:///a b", "0x20 must be written as %20"},
      {"file:///a\nb", "0x0a must be written as %0A"},
      {"file:///a#b", "0x23 must be written as %23"},
      {"x:?a", "query 'a': must be key=value"},
      {"x:?=a", "query '=a': must be key=value"},
      {"x:?a=1&a=2", "key 'a' is there twice"},
      {"x:?a=1&", "nothing follows"},
      {"x:?a=1&&b=2", "query '': must be key=value"},
      {"x:" + std::string(4095, 'a'), "at most 4096"},
  };
  for (const Case& c : cases) {
    const Result<Uri> uri = Uri::Parse(c.text);
    EXPECT_EQ(uri.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(uri.status().message()), HasSubstr(c.message)) << c.text;
  }
  EXPECT_TRUE(Uri::Parse("x:" + std::string(4094, 'a')).ok());
}

TEST(UriTest, RefusesPasswordsWithoutRepeatingThem) {
  for (const char* text : {"redis://user:hunter2@host/", "redis://hunter2@host", "//:hunter2@x"}) {
    const Result<Uri> uri = Uri::Parse(text);
    EXPECT_EQ(uri.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(uri.status().message()), testing::Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(UriTest, ItsTextIsReadBackAsTheSame) {
  const Uri uris[] = {
      {.scheme = "memory"},
      {.scheme = "file", .path = "/a b/%?#\x01ä", .has_authority = true},
      {.scheme = "x", .path = "//y"},
      {.scheme = "x", .path = "///y"},
      {.scheme = "redis", .host = "::1", .port = 1, .path = "/0", .has_authority = true},
      {.scheme = "x", .query = {{"a&=b", "c&=d%"}, {" ", " "}}},
  };
  for (const Uri& uri : uris) EXPECT_EQ(Parsed(uri.ToString()), uri) << uri.ToString();
  EXPECT_EQ(Parsed("s3:b?b=2&a=1").ToString(), "s3:b?a=1&b=2");
  EXPECT_EQ(Parsed("FILE:///A%41").ToString(), "file:///AA");
}

TEST(UriTest, AnUnknownQueryKeyIsNamedWithThoseThatAreKnown) {
  const Uri uri = Parsed("linux:?mode=root&speed=9");
  EXPECT_TRUE(uri.CheckQuery({"mode", "speed"}).ok());
  const Status status = uri.CheckQuery({"mode", "cgroups"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'speed'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("mode cgroups"));
  EXPECT_TRUE(Parsed("x:").CheckQuery({}).ok());
}

}  // namespace
}  // namespace nanogrid
