// The small parts: headers, answers as bytes, addresses, budgets, spools.
#include <gtest/gtest.h>

#include "http/address.h"
#include "http/budget.h"
#include "http/message.h"
#include "http/response_writer.h"
#include "http/spool.h"

namespace nanogrid {
namespace {

TEST(Headers, AreFoundWhateverTheirCase) {
  const HttpHeaders headers = {{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(headers.Get("content-type"), "a");
  EXPECT_EQ(headers.Get("X"), "1");
  EXPECT_EQ(headers.Count("x"), 2u);
  EXPECT_EQ(headers.Find("Y"), nullptr);
}

TEST(Headers, TokensOfAListAreWholeWords) {
  EXPECT_TRUE(HasToken("a, Close ,b", "close"));
  EXPECT_TRUE(HasToken("close", "close"));
  EXPECT_FALSE(HasToken("closed, not-close", "close"));
  EXPECT_FALSE(HasToken("", "close"));
}

TEST(ResponseWriter, WritesHeadAndLength) {
  std::string out;
  AppendHead(out, {.status = 404, .headers = {{"A", "b"}}}, {.length = 5});
  EXPECT_TRUE(out.starts_with("HTTP/1.1 404 Not Found\r\nDate: ")) << out;
  EXPECT_NE(out.find("\r\nA: b\r\n"), out.npos);
  EXPECT_TRUE(out.ends_with("X-Content-Type-Options: nosniff\r\nContent-Length: 5\r\n\r\n")) << out;
}

TEST(ResponseWriter, AValueCannotEndItsLine) {
  std::string out;
  AppendHead(out, {.headers = {{"A", "b\r\nSet-Cookie: c\x01\x7f"}}}, {});
  EXPECT_NE(out.find("\r\nA: b  Set-Cookie: c  \r\n"), out.npos) << out;
}

TEST(ResponseWriter, WritesChunksAndTrailers) {
  std::string out;
  AppendChunk(out, "");
  AppendChunk(out, std::string(17, 'x'));
  AppendLastChunk(out, {{"T", "1"}});
  EXPECT_EQ(out, "11\r\n" + std::string(17, 'x') + "\r\n0\r\nT: 1\r\n\r\n");
}

TEST(Address, IsAnAddressAndAPort) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:80")->port, 80);
  EXPECT_TRUE(ParseListenAddress("127.8.9.10:0")->loopback);
  EXPECT_TRUE(ParseListenAddress("localhost:1")->loopback);
  EXPECT_TRUE(ParseListenAddress("[::1]:1")->loopback);
  EXPECT_EQ(ParseListenAddress("[::1]:1")->host, "::1");
  EXPECT_FALSE(ParseListenAddress("0.0.0.0:1")->loopback);
  EXPECT_FALSE(ParseListenAddress("[::]:1")->loopback);
  EXPECT_FALSE(ParseListenAddress("10.0.0.1:1")->loopback);
  EXPECT_EQ(FormatAddress("::1", 8080), "[::1]:8080");
  for (const char* const text :
       {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
        "[::1", "[127.0.0.1]:1", "example.com:80", "127.1:80"}) {
    EXPECT_EQ(ParseListenAddress(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Budget, IsNeverExceededAndAlwaysGivenBack) {
  Budget budget(10);
  {
    BudgetClaim first(budget);
    EXPECT_TRUE(first.Resize(7));
    BudgetClaim second(budget);
    EXPECT_FALSE(second.Resize(4));
    EXPECT_TRUE(second.Resize(3));
    EXPECT_TRUE(first.Resize(2));
    BudgetClaim moved = std::move(first);
    EXPECT_EQ(first.amount(), 0u);  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    EXPECT_EQ(budget.used(), 5u);
    second = std::move(moved);
    EXPECT_EQ(budget.used(), 2u);
    EXPECT_FALSE(second.Resize(11));
    EXPECT_EQ(second.amount(), 2u);
  }
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_FALSE(BudgetClaim().Resize(1));
}

TEST(Spool, KeepsAFewBytesInMemoryAndManyInAFile) {
  Budget budget(1 << 20);
  HttpResponse small;
  Spool few(::testing::TempDir(), budget);
  ASSERT_TRUE(few.Write("abc").ok());
  ASSERT_TRUE(few.MoveTo(small).ok());
  EXPECT_EQ(small.body, "abc");
  EXPECT_EQ(small.file, nullptr);
  {
    HttpResponse large;
    Spool many(::testing::TempDir(), budget);
    const std::string piece(50'000, 'x');
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(many.Write(piece).ok());
    ASSERT_TRUE(many.MoveTo(large).ok());
    ASSERT_NE(large.file, nullptr);
    EXPECT_EQ(large.file->size(), 250'000u);
    EXPECT_EQ(budget.used(), 250'000u);
  }
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Spool, HasABudgetAndNamesADirectoryThatDoesNotWork) {
  Budget budget(100'000);
  Spool spool(::testing::TempDir(), budget);
  EXPECT_EQ(spool.Write(std::string(200'000, 'x')).code(), absl::StatusCode::kUnavailable);
  Spool nowhere("/does/not/exist", budget);
  const Status status = nowhere.Write(std::string(70'000, 'x'));
  EXPECT_NE(std::string(status.message()).find("/does/not/exist"), std::string::npos) << status;
}

}  // namespace
}  // namespace nanogrid
