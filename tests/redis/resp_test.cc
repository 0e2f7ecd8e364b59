// The protocol and what its errors mean, without a server.
#include "redis/resp.h"

#include <gtest/gtest.h>

#include "redis/error_reply.h"
#include "redis/job_fields.h"

namespace nanogrid::redis {
namespace {

using Code = absl::StatusCode;

// As text, so that a table can say what is expected.
std::string Show(const Reply& reply) {
  switch (reply.type) {
    case Reply::Type::kNil:
      return "nil";
    case Reply::Type::kInteger:
      return std::to_string(reply.integer);
    case Reply::Type::kText:
      return "\"" + reply.text + "\"";
    case Reply::Type::kStatus:
      return "+" + reply.text;
    case Reply::Type::kError:
      return "-" + reply.text;
    case Reply::Type::kArray:
      break;
  }
  std::string text = "[";
  for (const Reply& item : reply.items) text += Show(item) + " ";
  return text + "]";
}

// All replies in `bytes`, fed in pieces of that size.
std::string ShowAll(std::string_view bytes, size_t piece) {
  ReplyReader reader;
  std::string text;
  while (!bytes.empty()) {
    reader.Feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (true) {
      Result<std::optional<Reply>> reply = reader.Next();
      if (!reply.ok()) return text + "broken";
      if (!*reply) break;
      text += Show(**reply) + ";";
    }
  }
  return text;
}

TEST(RedisRequestTest, IsWrittenWithTheLengthOfEveryWord) {
  EXPECT_EQ(Request().Command("PING").bytes(), "*1\r\n$4\r\nPING\r\n");
  const Request request =
      Request().Command("SET", "k", std::string("a\r\n\0b", 5)).Command("EXPIRE", "", -12);
  EXPECT_EQ(request.bytes(), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\n" + std::string("a\r\n\0b", 5) +
                                 "\r\n*3\r\n$6\r\nEXPIRE\r\n$0\r\n\r\n$3\r\n-12\r\n");
  EXPECT_EQ(request.commands(), 2u);
}

TEST(RedisReplyTest, IsReadHoweverItIsCut) {
  const struct {
    std::string_view bytes, replies;
  } cases[] = {
      {"+OK\r\n", "+OK;"},
      {"-ERR no\r\n", "-ERR no;"},
      {":-42\r\n:0\r\n", "-42;0;"},
      {"$-1\r\n*-1\r\n", "nil;nil;"},
      {"$0\r\n\r\n$4\r\na\r\nb\r\n", "\"\";\"a\r\nb\";"},
      {"*0\r\n", "[];"},
      {"*2\r\n*2\r\n:1\r\n$1\r\nx\r\n*1\r\n*1\r\n-E\r\n", "[[1 \"x\" ] [[-E ] ] ];"},
      {"*3\r\n$1\r\na\r\n$-1\r\n+b\r\n:7\r\n", "[\"a\" nil +b ];7;"},
      {"*2\r\n:1\r\n", ""},
      {"$5\r\nabc", ""},
      {"", ""},
  };
  for (const auto& [bytes, replies] : cases) {
    for (const size_t piece : {1u, 2u, 3u, 1000u}) {
      EXPECT_EQ(ShowAll(bytes, piece), replies) << bytes << " by " << piece;
    }
  }
}

TEST(RedisReplyTest, GarbageIsAnError) {
  const std::string deep(200, '*');
  std::string nested;
  for (int i = 0; i < 50; ++i) nested += "*1\r\n";
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("\r\n"), std::string(1, '\0'),
        deep + "\r\n", nested, std::string("*99999999999999999999\r\n"), std::string("$-5\r\n"),
        std::string(":12a\r\n")}) {
    EXPECT_EQ(ShowAll(bytes, 1000), "broken") << bytes;
  }
}

TEST(RedisReplyTest, WhatIsAnnouncedTakesNoMemoryBeforeItComes) {
  ReplyReader reader;
  reader.Feed("*2147483647\r\n*2147483647\r\n:1\r\n");
  const Result<std::optional<Reply>> reply = reader.Next();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_FALSE(reply->has_value());
}

TEST(RedisErrorTest, SaysWhatCanBeDone) {
  const struct {
    std::string_view text;
    Code code;
  } cases[] = {
      {"LOADING Redis is loading the dataset in memory", Code::kUnavailable},
      {"BUSY Redis is busy running a script.", Code::kUnavailable},
      {"MASTERDOWN Link with MASTER is down", Code::kUnavailable},
      {"READONLY You can't write against a read only replica.", Code::kUnavailable},
      {"OOM command not allowed when used memory > 'maxmemory'.", Code::kResourceExhausted},
      {"MISCONF Redis is configured to save RDB snapshots", Code::kResourceExhausted},
      {"ERR max number of clients reached", Code::kResourceExhausted},
      {"NOAUTH Authentication required.", Code::kPermissionDenied},
      {"WRONGPASS invalid username-password pair", Code::kPermissionDenied},
      {"NOPERM this user has no permissions", Code::kPermissionDenied},
      {"MOVED 3999 127.0.0.1:6381", Code::kFailedPrecondition},
      {"ASK 3999 127.0.0.1:6381", Code::kFailedPrecondition},
      {"WRONGTYPE Operation against a key", Code::kFailedPrecondition},
      {"ERR unknown command 'HELLO'", Code::kFailedPrecondition},
      {"OOMPH is no such code", Code::kInternal},
      {"", Code::kInternal},
  };
  for (const auto& [text, code] : cases) EXPECT_EQ(ErrorOf(text).code(), code) << text;
  const std::string long_text = "ERR " + std::string(5000, 'x');
  EXPECT_LT(ErrorOf(long_text).message().size(), 300u);
}

TEST(RedisEventTextTest, ComesBackAsItWas) {
  const JobEvent event{.revision = 7,
                       .state = JobState::kProcessing,
                       .attempt = 3,
                       .time = SystemTime(std::chrono::milliseconds(1234567890123)),
                       .progress = R"({"at": "a b"})"};
  const Result<JobEvent> again = ParseEventText(EventText(event));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, event);
  for (const char* broken : {"", "1", "x PENDING 0 1 ", "1 NOTHING 0 1 ", "1 PENDING 0 x "}) {
    EXPECT_EQ(ParseEventText(broken).status().code(), Code::kDataLoss) << broken;
  }
}

}  // namespace
}  // namespace nanogrid::redis
