// What is DynamoDB's about the catalog.
#include "aws/dynamodb/function_head.h"
#include "aws/dynamodb_test_tables.h"
#include "nanogrid/registry.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;

FunctionVersion Definition(const std::string& digest) {
  FunctionVersion version;
  version.name = "f";
  version.code_digest = digest;
  return version;
}

TEST(DynamoDbCatalog, LeavesWhatIsNotItsOwnAlone) {
  const DynamoDbOptions options = NewTable(DoubleUrl(NANOGRID_TEST_DOUBLE));
  ASSERT_TRUE(CreateDynamoDbCatalogTable(Context{}, options).ok());
  ASSERT_TRUE(CreateDynamoDbCatalogTable(Context{}, options).ok());  // again
  auto table = aws::OpenTable(*TestSession(), options);
  ASSERT_TRUE(table.ok());
  aws::Item foreign = aws::FunctionItemKey("f");
  foreign["code"] = aws::TextValue("s3://somewhere");
  ASSERT_TRUE((*table)->Do(Context{}, {.item = foreign}).ok());

  const auto catalog = MakeDynamoDbCatalog(options);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ((*catalog)->Put(Context{}, Definition("d")).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ((*catalog)->Remove(Context{}, "f").code(), Code::kFailedPrecondition);
  const auto page = (*catalog)->List(Context{});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(page->functions.empty());
  const auto item = (*table)->Get(Context{}, aws::FunctionItemKey("f"));
  ASSERT_TRUE(item.ok() && item->has_value());
  EXPECT_EQ(**item, foreign);
}

// As it is after a process died between the writes of a Put or of a Remove.
TEST(DynamoDbCatalog, LeftoversOfAnInterruptedWriteAreNotSeen) {
  const DynamoDbOptions options = NewTable(DoubleUrl(NANOGRID_TEST_DOUBLE));
  ASSERT_TRUE(CreateDynamoDbCatalogTable(Context{}, options).ok());
  auto table = aws::OpenTable(*TestSession(), options);
  const auto catalog = MakeDynamoDbCatalog(options);
  ASSERT_TRUE(table.ok() && catalog.ok());
  const auto first = (*catalog)->Put(Context{}, Definition("d1"));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE((*table)->Do(Context{}, {.item = aws::VersionItem(*first)}).ok());
  ASSERT_TRUE((*catalog)->Remove(Context{}, "f").ok());
  ASSERT_TRUE((*catalog)->Put(Context{}, Definition("d2")).ok());
  EXPECT_EQ((*catalog)->Get(Context{}, "f", "1").status().code(), Code::kNotFound);
  const auto versions = (*catalog)->ListVersions(Context{}, "f");
  ASSERT_TRUE(versions.ok() && versions->functions.size() == 1) << versions.status();
  EXPECT_EQ(versions->functions[0].number, 2u);
}

TEST(DynamoDbCatalog, AMissingTableIsNotFound) {
  const auto catalog = MakeDynamoDbCatalog(NewTable(DoubleUrl(NANOGRID_TEST_DOUBLE)));
  ASSERT_TRUE(catalog.ok());
  EXPECT_EQ((*catalog)->List(Context{}).status().code(), Code::kNotFound);
}

TEST(DynamoDbCatalog, AUriNamesTheTable) {
  const auto parse = [](std::string_view text) { return ParseDynamoDbUri(*Uri::Parse(text)); };
  EXPECT_EQ(parse("dynamodb://functions")->table, "functions");
  EXPECT_EQ(parse("dynamodb:Functions?region=eu-west-1")->table, "Functions");
  EXPECT_EQ(parse("dynamodb:Functions?region=eu-west-1")->aws.region, "eu-west-1");
  for (const char* const wrong : {"dynamodb://a", "dynamodb://table/x", "dynamodb://table:80",
                                  "dynamodb:a%20b", "dynamodb://table?x=1", "dynamodb:"}) {
    EXPECT_EQ(parse(wrong).status().code(), Code::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace nanogrid
