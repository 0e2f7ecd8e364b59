#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nanogrid {
namespace {

using State = RequestParser::State;

constexpr size_t kMaxHeader = 1024;

// Feeds `bytes` in pieces; answers what was left over at the end.
std::string FeedAll(RequestParser& parser, const std::string& bytes, size_t piece) {
  std::string pending;
  size_t given = 0;
  while (parser.state() != State::kDone && parser.state() != State::kFailed) {
    const State before = parser.state();
    const size_t taken = parser.Feed(pending);
    pending.erase(0, taken);
    if (parser.state() != before) continue;
    if (given == bytes.size()) break;
    pending += bytes.substr(given, piece);
    given = std::min(given + piece, bytes.size());
  }
  return pending + bytes.substr(given);
}

TEST(RequestParser, ReadsARequestHoweverItIsCut) {
  const std::string request =
      "\r\nPOST /a?b HTTP/1.1\r\nHost: x\r\nA:  1 \r\na: 2\r\nContent-Length: 5\r\n\r\nhello";
  for (size_t piece = 1; piece <= request.size(); ++piece) {
    SCOPED_TRACE(piece);
    RequestParser parser(kMaxHeader);
    const std::string rest = FeedAll(parser, request + "GET", piece);
    ASSERT_EQ(parser.state(), State::kDone) << parser.error().message;
    EXPECT_EQ(rest, "GET");
    EXPECT_EQ(parser.request().method, "POST");
    EXPECT_EQ(parser.request().target, "/a?b");
    EXPECT_EQ(parser.request().headers.Get("a"), "1");
    EXPECT_EQ(parser.request().headers.Count("A"), 2u);
    EXPECT_EQ(parser.request().body, "hello");
    EXPECT_EQ(parser.content_length(), 5u);
    EXPECT_TRUE(parser.keep_alive());
  }
}

TEST(RequestParser, ReadsChunksHoweverTheyAreCut) {
  const std::string request =
      "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: ignored\r\n\r\n";
  for (size_t piece = 1; piece <= request.size(); ++piece) {
    SCOPED_TRACE(piece);
    RequestParser parser(kMaxHeader);
    EXPECT_EQ(FeedAll(parser, request + "rest", piece), "rest");
    ASSERT_EQ(parser.state(), State::kDone) << parser.error().message;
    EXPECT_EQ(parser.request().body, "hello!");
    EXPECT_EQ(parser.request().headers.size(), 2u);
    EXPECT_FALSE(parser.content_length());
  }
}

TEST(RequestParser, ReadsAnEmptyChunkedBodyHoweverItIsCut) {
  const std::string request =
      "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (size_t piece = 1; piece <= request.size(); ++piece) {
    RequestParser parser(kMaxHeader);
    EXPECT_EQ(FeedAll(parser, request, piece), "");
    EXPECT_EQ(parser.state(), State::kDone) << "in pieces of " << piece;
  }
}

TEST(RequestParser, StopsBehindTheHeaderSoThatTheBodyCanBeRefused) {
  RequestParser parser(kMaxHeader);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(parser.Feed(head + "abc"), head.size());
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_EQ(parser.request().body, "");
  EXPECT_EQ(parser.Feed("abcd"), 3u);
  EXPECT_EQ(parser.state(), State::kDone);
}

TEST(RequestParser, WithoutABodyARequestIsDoneBehindItsHeader) {
  RequestParser parser(kMaxHeader);
  EXPECT_EQ(FeedAll(parser, "GET / HTTP/1.0\r\n\r\nX", 100), "X");
  EXPECT_EQ(parser.state(), State::kDone);
  EXPECT_EQ(parser.content_length(), 0u);
  EXPECT_FALSE(parser.keep_alive());
}

TEST(RequestParser, SaysWhetherTheConnectionLastsAndABodyIsToBeAskedFor) {
  RequestParser closes(kMaxHeader);
  FeedAll(closes, "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n", 100);
  EXPECT_FALSE(closes.keep_alive());
  EXPECT_FALSE(closes.expects_continue());
  RequestParser asks(kMaxHeader);
  FeedAll(asks, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
          100);
  EXPECT_EQ(asks.state(), State::kBody);
  EXPECT_TRUE(asks.expects_continue());
}

struct Refusal {
  const char* why;
  std::string request;
  int status;
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.why; }

class RefusedRequest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedRequest, IsRefusedHoweverItIsCut) {
  for (const size_t piece : {size_t{1}, size_t{7}, GetParam().request.size()}) {
    RequestParser parser(kMaxHeader);
    FeedAll(parser, GetParam().request, piece);
    ASSERT_EQ(parser.state(), State::kFailed) << "in pieces of " << piece;
    EXPECT_EQ(parser.error().status, GetParam().status) << parser.error().message;
    EXPECT_FALSE(parser.error().message.empty());
  }
}

std::string WithHeader(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n1\r\n1\r\n0\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedRequest,
    ::testing::Values(
        Refusal{"LengthAndChunks",
                WithHeader("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
        Refusal{"ChunksAndLength",
                WithHeader("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400},
        Refusal{"TwoLengths", WithHeader("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        Refusal{"ListOfLengths", WithHeader("Content-Length: 1,1\r\n"), 400},
        Refusal{"NegativeLength", WithHeader("Content-Length: -1\r\n"), 400},
        Refusal{"SignedLength", WithHeader("Content-Length: +1\r\n"), 400},
        Refusal{"HugeLength", WithHeader("Content-Length: 18446744073709551616\r\n"), 400},
        Refusal{"OtherCoding", WithHeader("Transfer-Encoding: gzip\r\n"), 501},
        Refusal{"TwoCodings", WithHeader("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Refusal{"SpaceBeforeColon", WithHeader("Content-Length : 1\r\n"), 400},
        Refusal{"ChunksInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400},
        Refusal{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
        Refusal{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Refusal{"OddHost", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        Refusal{"OtherExpectation", WithHeader("Expect: more\r\n"), 417},
        Refusal{"OtherVersion", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        Refusal{"BadChunk",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", 400},
        Refusal{"LongChunkExtension",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                    std::string(5000, 'x'),
                400},
        Refusal{"LongHeader", WithHeader("A: " + std::string(kMaxHeader, 'x') + "\r\n"), 431},
        Refusal{"LongRequestLine", "GET /" + std::string(2 * kMaxHeader, 'x'), 431}),
    [](const auto& refused) { return refused.param.why; });

TEST(RequestParser, FieldsHaveABoundOfTheirOwn) {
  std::string request = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 200; ++i) request += "A:\r\n";
  RequestParser parser(16 << 10);
  FeedAll(parser, request + "\r\n", 100);
  ASSERT_EQ(parser.state(), State::kFailed);
  EXPECT_EQ(parser.error().status, 431);
}

}  // namespace
}  // namespace nanogrid
