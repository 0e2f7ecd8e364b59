// What DynamoDB's refusals mean.
#include "aws/dynamodb/table.h"

#include <gtest/gtest.h>

#include "aws/fake_service.h"
#include "aws/service_double.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;

HttpResponse Refusal(const std::string& type, const std::string& message = "no") {
  return {.status = 400,
          .body = R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type + R"(","message":")" +
                  message + R"("})"};
}

TEST(DynamoDbTable, AWriteWaitsForATransactionOnItsItem) {
  int calls = 0;
  FakeService service([&calls](const HttpRequest&) {
    return ++calls < 3 ? Refusal("TransactionConflictException")
                       : HttpResponse{.status = 200, .body = "{}"};
  });
  DynamoTable table(TestClient(kDynamoDb, service.url()), "table");
  const auto done = table.Do(Context{}, {.item = {{"pk", TextValue("a")}}});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(service.requests().size(), 3u);
}

TEST(DynamoDbTable, AConditionThatDoesNotHoldIsNoError) {
  FakeService service(
      [](const HttpRequest&) { return Refusal("ConditionalCheckFailedException"); });
  DynamoTable table(TestClient(kDynamoDb, service.url()), "table");
  EXPECT_EQ(table.Do(Context{}, {}).value_or(true), false);
  const auto updated = table.Update(Context{}, {.kind = Write::Kind::kUpdate});
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_FALSE(updated->has_value());
}

TEST(DynamoDbTable, TheReasonsOfACancelledTransactionDecideWhatItIs) {
  const struct {
    const char* reasons;
    Code code;
  } cases[] = {{"[None, ConditionalCheckFailed]", Code::kOk},
               {"[TransactionConflict, None]", Code::kOk},
               {"[ThrottlingError, None]", Code::kResourceExhausted},
               {"[None, ProvisionedThroughputExceeded]", Code::kResourceExhausted},
               {"[ValidationError, None]", Code::kInternal}};
  for (const auto& [reasons, code] : cases) {
    const std::string text = reasons;
    FakeService service([&text](const HttpRequest&) {
      return Refusal("TransactionCanceledException", "cancelled for specific reasons " + text);
    });
    DynamoTable table(TestClient(kDynamoDb, service.url()), "table");
    const Write writes[] = {{.item = {{"pk", TextValue("a")}}}};
    const auto done = table.DoAll(Context{}, writes);
    EXPECT_EQ(done.status().code(), code) << reasons;
    EXPECT_FALSE(done.value_or(false)) << reasons;
  }
}

TEST(DynamoDbTable, WhatABatchLeavesIsSentAgain) {
  int calls = 0;
  FakeService service([&calls](const HttpRequest&) {
    return HttpResponse{.status = 200,
                        .body = ++calls == 1 ? R"({"UnprocessedItems":{"table":[)"
                                               R"({"DeleteRequest":{"Key":{"pk":{"S":"b"}}}}]}})"
                                             : "{}"};
  });
  DynamoTable table(TestClient(kDynamoDb, service.url()), "table");
  const Write a{.kind = Write::Kind::kDelete, .item = {{"pk", TextValue("a")}}};
  const Write b{.kind = Write::Kind::kDelete, .item = {{"pk", TextValue("b")}}};
  const Status done = table.WriteMany(Context{}, {a, b});
  EXPECT_TRUE(done.ok()) << done;
  const auto requests = service.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].body,
            R"({"RequestItems":{"table":[{"DeleteRequest":{"Key":{"pk":{"S":"b"}}}}]}})");
}

}  // namespace
}  // namespace nanogrid::aws
