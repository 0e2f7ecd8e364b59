// What is said to SQS and what it answers; leases.
#include "aws/sqs/protocol.h"

#include <gmock/gmock.h>

#include "aws/sqs/leases.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr char kUrl[] = "http://h/1/q";
constexpr char kMd5OfA[] = "0cc175b9c0f1b6a831c399e269772661";

TEST(SqsProtocol, SendsBatches) {
  const SqsEntry entries[] = {{.body = "\"ä\""}, {.body = "b", .delay = seconds(5)}};
  EXPECT_EQ(SendBatchJson(kUrl, entries),
            R"({"QueueUrl":"http://h/1/q","Entries":[{"Id":"0","MessageBody":"\"ä\""},)"
            R"({"Id":"1","MessageBody":"b","DelaySeconds":5}]})");
  const SqsEntry fifo[] = {{.body = "a", .group = "g", .deduplication = "d"}};
  EXPECT_THAT(SendBatchJson(kUrl, fifo),
              HasSubstr(R"("MessageGroupId":"g","MessageDeduplicationId":"d")"));
}

TEST(SqsProtocol, AsksForMessages) {
  const std::string request = ReceiveJson(
      kUrl, {.max_messages = 10, .visibility = seconds(30), .wait = seconds(20), .attempt = "x"});
  for (const char* const part :
       {R"("MaxNumberOfMessages":10)", R"("VisibilityTimeout":30)", R"("WaitTimeSeconds":20)",
        R"("MessageSystemAttributeNames":["ApproximateReceiveCount","SentTimestamp"])",
        R"("ReceiveRequestAttemptId":"x")"}) {
    EXPECT_THAT(request, HasSubstr(part));
  }
}

TEST(SqsProtocol, ReadsWhatBecameOfABatch) {
  const SqsEntry entries[] = {{.body = "a"}, {.body = "a"}, {.body = "a"}, {.body = "a"}};
  const auto results = ParseSendBatch(
      std::string(R"({"Successful":[{"Id":"3","MessageId":"m3","MD5OfMessageBody":")") + kMd5OfA +
          R"("},{"Id":"1","MessageId":"m1","MD5OfMessageBody":"ffff"},{"Id":"9"}],)"
          R"("Failed":[{"Id":"0","Code":"InvalidMessageContents","SenderFault":true,"Message":"x"}]})",
      entries);
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 4u);
  EXPECT_EQ((*results)[0].error, "InvalidMessageContents");
  EXPECT_TRUE((*results)[0].final);
  EXPECT_EQ((*results)[1].error, "MD5");
  EXPECT_FALSE((*results)[1].final);
  EXPECT_EQ((*results)[2].error, "NotMentioned");
  EXPECT_EQ((*results)[3].error, "");
  EXPECT_EQ((*results)[3].message_id, "m3");
}

TEST(SqsProtocol, ReadsMessagesAndLeavesOutDamagedOnes) {
  const auto messages = ParseReceive(
      std::string(R"({"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"a","MD5OfBody":")") +
      kMd5OfA +
      R"(","Attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1700000000123"}},)"
      R"({"MessageId":"2","ReceiptHandle":"s","Body":"b","MD5OfBody":"ffff"},)"
      R"({"MessageId":"3","ReceiptHandle":"t","Body":"foreign: {}"},)"
      R"({"MessageId":"4","Body":"no handle"}, 7]})");
  ASSERT_TRUE(messages.ok()) << messages.status();
  ASSERT_EQ(messages->size(), 2u);
  EXPECT_EQ((*messages)[0].receive_count, 3u);
  EXPECT_EQ((*messages)[0].sent.time_since_epoch().count(), 1700000000123);
  EXPECT_EQ((*messages)[1].body, "foreign: {}");
  EXPECT_EQ((*messages)[1].receive_count, 1u);
  EXPECT_TRUE(ParseReceive("{}")->empty());
  EXPECT_TRUE(ParseReceive("")->empty());
}

TEST(SqsProtocol, WhatIsNoAnswerIsDataLoss) {
  for (const char* const text : {"x", "[]", "{\"a\":"}) {
    EXPECT_EQ(ParseReceive(text).status().code(), Code::kDataLoss) << text;
    EXPECT_EQ(ParseBatch(text, 1).status().code(), Code::kDataLoss) << text;
    EXPECT_EQ(ParseDepth(text).status().code(), Code::kDataLoss) << text;
    EXPECT_EQ(ParseQueueUrl(text).status().code(), Code::kDataLoss) << text;
  }
}

TEST(SqsProtocol, BodiesHaveCharactersThatSqsTakes) {
  EXPECT_TRUE(CheckSqsBody("{\"a\":\t\"ä\xf0\x9f\x98\x80\"}\r\n").ok());
  for (const char* const body : {"\x01", "a\x1b", "\xef\xbf\xbe", "a\xef\xbf\xbf"}) {
    EXPECT_EQ(CheckSqsBody(body).code(), Code::kInvalidArgument);
  }
}

TimePoint At(int second) { return TimePoint(seconds(second)); }
SqsLease Lease(const std::string& receipt, const std::string& message, int ends) {
  return {.receipt = receipt, .message_id = message, .received = At(0), .ends = At(ends)};
}

TEST(SqsLeases, AreHeldUntilTheyEnd) {
  SqsLeases leases;
  leases.Add(Lease("r", "m", 10), At(0));
  EXPECT_TRUE(leases.Find("r", At(9)));
  EXPECT_FALSE(leases.Find("foreign", At(9)));
  leases.SetEnd("r", At(20), At(9));
  EXPECT_TRUE(leases.Find("r", At(19)));
  EXPECT_FALSE(leases.Find("r", At(20)));
  EXPECT_EQ(leases.size(), 0u);
}

TEST(SqsLeases, ALaterDeliveryEndsTheEarlierOne) {
  SqsLeases leases;
  leases.Add(Lease("r1", "m", 10), At(0));
  leases.Add(Lease("r2", "m", 10), At(5));
  EXPECT_FALSE(leases.Find("r1", At(6)));
  const std::vector<Receipt> both = {"r1", "r2"};
  const auto taken = leases.Take(both, At(6));
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].receipt, "r2");
  EXPECT_TRUE(leases.Take(both, At(6)).empty());
}

TEST(SqsLeases, AnEndThatHasComeIsOneAtOnce) {
  SqsLeases leases;
  leases.Add(Lease("r", "m", 10), At(0));
  leases.SetEnd("r", At(5), At(5));
  EXPECT_EQ(leases.size(), 0u);
  leases.SetEnd("r", At(50), At(5));
  EXPECT_EQ(leases.size(), 0u);
}

TEST(SqsLeases, ThoseThatNobodyAsksForDoNotPileUp) {
  SqsLeases leases;
  for (int i = 0; i < 100'000; ++i) {
    leases.Add(Lease("r" + std::to_string(i), "m" + std::to_string(i), i + 10), At(i));
  }
  EXPECT_LE(leases.size(), 1024u);
}

}  // namespace
}  // namespace nanogrid::aws
