#include "aws/dynamodb/item.h"

#include <gtest/gtest.h>

#include "aws/dynamodb/function_head.h"

namespace nanogrid::aws {
namespace {

TEST(DynamoDbItem, AnItemIsReadAsItWasWritten) {
  const Item item = {{"text", TextValue("ä\"\\")},
                     {"number", NumberValue(-12345678901234)},
                     {"bytes", BytesValue(std::string("\0\xff\x80", 3))},
                     {"one", BytesValue("1")},
                     {"two", BytesValue("12")},
                     {"none", BytesValue("")}};
  const std::string request = WriteJson("t", {.item = item});
  const auto read = ParseItem(request);  // it has an "Item", too
  ASSERT_TRUE(read.ok() && read->has_value()) << read.status();
  EXPECT_EQ(**read, item);
  EXPECT_EQ(TextIn(**read, "text"), "ä\"\\");
  EXPECT_EQ(NumberIn(**read, "number"), -12345678901234);
  EXPECT_EQ(BytesIn(**read, "bytes"), std::string("\0\xff\x80", 3));
  EXPECT_EQ(NumberIn(**read, "text"), std::nullopt);
  EXPECT_EQ(TextIn(**read, "missing"), "");
}

TEST(DynamoDbItem, ExpressionsNameEverything) {
  const Write write{.kind = Write::Kind::kUpdate,
                    .item = {{"pk", TextValue("a")}},
                    .update = "SET #state = :s REMOVE #x_1",
                    .condition = "#state = :old AND attribute_exists(#pk)",
                    .values = {{":s", TextValue("b")}, {":old", NumberValue(1)}}};
  EXPECT_EQ(WriteJson("t", write),
            R"x({"TableName":"t","Key":{"pk":{"S":"a"}},"UpdateExpression":)x"
            R"x("SET #state = :s REMOVE #x_1","ConditionExpression":)x"
            R"x("#state = :old AND attribute_exists(#pk)","ExpressionAttributeNames":)x"
            R"x({"#state":"state","#x_1":"x_1","#pk":"pk"},"ExpressionAttributeValues":)x"
            R"x({":old":{"N":"1"},":s":{"S":"b"}}})x");
}

TEST(DynamoDbItem, PagesAndBatchesAreRead) {
  const auto page = ParsePage(
      R"({"Items":[{"a":{"N":"1"}},{"l":{"L":[]}}],"LastEvaluatedKey":{"a":{"N":"1"}},"Count":2})");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->next, (Item{{"a", NumberValue(1)}}));
  EXPECT_EQ(page->items[1].at("l").type, Attribute::Type::kOther);

  const auto left =
      ParseBatchWrite(R"({"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"a":{"S":"x"}}}},)"
                      R"({"DeleteRequest":{"Key":{"a":{"S":"y"}}}}]}})",
                      "t");
  ASSERT_TRUE(left.ok() && left->size() == 2) << left.status();
  EXPECT_EQ((*left)[0].kind, Write::Kind::kPut);
  EXPECT_EQ((*left)[1].kind, Write::Kind::kDelete);
  EXPECT_EQ(TextIn((*left)[1].item, "a"), "y");

  const auto got = ParseBatchGet(
      R"({"Responses":{"t":[{"a":{"S":"x"}}]},"UnprocessedKeys":{"t":{"Keys":[{"a":{"S":"y"}}]}}})",
      "t");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->items.size(), 1u);
  EXPECT_EQ(got->unprocessed.size(), 1u);
}

TEST(DynamoDbItem, WhatIsNoAnswerIsDataLoss) {
  for (const char* const wrong :
       {"[]", "{", R"({"Item":1})", R"({"Item":{"a":1}})", R"({"Item":{"a":{"B":"?"}}})",
        R"({"Item":{"a":{"B":"????"}}})", R"({"Item":{"a":{"S":"x","N":"1"}}})"}) {
    EXPECT_EQ(ParseItem(wrong).status().code(), absl::StatusCode::kDataLoss) << wrong;
  }
  for (const char* const wrong : {"{}", R"({"Items":{}})", R"({"Items":[1]})"}) {
    EXPECT_EQ(ParsePage(wrong).status().code(), absl::StatusCode::kDataLoss) << wrong;
  }
}

TEST(DynamoDbItem, AFunctionsHeadIsReadAsItWasWritten) {
  FunctionHead head{.revision = 7, .change = "c", .first = 2, .last_number = 9};
  head.latest.name = "f";
  head.latest.number = 9;
  head.aliases = {{"live", 3}, {"old", 2}};
  const auto read = ReadHead(HeadItem("f", head));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->revision, 7);
  EXPECT_EQ(read->change, "c");
  EXPECT_EQ(read->first, 2u);
  EXPECT_EQ(read->last_number, 9u);
  EXPECT_EQ(read->number(), 9u);
  EXPECT_EQ(read->aliases, head.aliases);
  EXPECT_EQ(ReadHead({{"functionId", TextValue("f")}}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  Item broken = HeadItem("f", head);
  broken["aliases"] = TextValue("live");
  EXPECT_EQ(ReadHead(broken).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nanogrid::aws
