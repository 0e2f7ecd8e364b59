#include <algorithm>
#include <cctype>

#include "aws/adapter_uri.h"
#include "aws/dynamodb/stores.h"
#include "core/backoff.h"
#include "core/errors.h"

namespace nanogrid {
namespace aws {
namespace {

Status CheckTable(std::string_view name) {
  const bool valid = name.size() >= 3 && name.size() <= 255 &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
                     });
  if (valid) return absl::OkStatus();
  return InvalidArgument("table '{}': must be 3 to 255 letters, digits, '_', '-' and '.'",
                         name.substr(0, 64));
}

// CreateTable's text without the table's name.
constexpr std::string_view kCatalogTable = R"("BillingMode":"PAY_PER_REQUEST",
"AttributeDefinitions":[{"AttributeName":"functionId","AttributeType":"S"}],
"KeySchema":[{"AttributeName":"functionId","KeyType":"HASH"}])";

// What job_items.h says. Payloads are not in the indexes: they would be written again each time.
constexpr std::string_view kJobTable = R"("BillingMode":"PAY_PER_REQUEST",
"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
 {"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"kind","AttributeType":"S"},
 {"AttributeName":"function","AttributeType":"S"},{"AttributeName":"state","AttributeType":"S"},
 {"AttributeName":"number","AttributeType":"N"},{"AttributeName":"due","AttributeType":"N"}],
"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
"GlobalSecondaryIndexes":[
 {"IndexName":"by_all","KeySchema":[{"AttributeName":"kind","KeyType":"HASH"},
  {"AttributeName":"number","KeyType":"RANGE"}],
  "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["record","due"]}},
 {"IndexName":"by_function","KeySchema":[{"AttributeName":"function","KeyType":"HASH"},
  {"AttributeName":"number","KeyType":"RANGE"}],
  "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["record","due","state"]}},
 {"IndexName":"by_state","KeySchema":[{"AttributeName":"state","KeyType":"HASH"},
  {"AttributeName":"number","KeyType":"RANGE"}],
  "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["record","due"]}},
 {"IndexName":"by_due","KeySchema":[{"AttributeName":"kind","KeyType":"HASH"},
  {"AttributeName":"due","KeyType":"RANGE"}],
  "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["record","number"]}}])";

Status WaitUntilActive(const Context& context, DynamoTable& table) {
  constexpr auto kLook = std::chrono::milliseconds(500);
  const std::string request = fmt::format(R"({{"TableName":"{}"}})", table.name());
  while (true) {
    NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                              table.client().Json(context, "DescribeTable", request));
    // Of the indexes as well: what is being made is "CREATING".
    if (answer.find("\"CREATING\"") == answer.npos) return absl::OkStatus();
    NANOGRID_RETURN_IF_ERROR(Wait(context, kLook));
  }
}

Status CreateTable(const Context& context, const DynamoDbOptions& options, std::string_view schema,
                   std::string_view ttl_attribute) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, Session::Open(options.aws));
  NANOGRID_ASSIGN_OR_RETURN(const auto table, OpenTable(*session, options));
  const auto made = table->client().Json(
      context, "CreateTable", fmt::format(R"({{"TableName":"{}",{}}})", options.table, schema));
  if (!made.ok() && FailureCode(made.status()) != "ResourceInUseException") return made.status();
  NANOGRID_RETURN_IF_ERROR(WaitUntilActive(context, *table));
  if (ttl_attribute.empty()) return absl::OkStatus();
  Status enabled = table->client()
                       .Json(context, "UpdateTimeToLive",
                             fmt::format(R"({{"TableName":"{}","TimeToLiveSpecification":)"
                                         R"({{"Enabled":true,"AttributeName":"{}"}}}})",
                                         options.table, ttl_attribute))
                       .status();
  // An older table: "TimeToLive is already enabled".
  if (!made.ok() && FailureCode(enabled) == "ValidationException") return absl::OkStatus();
  return enabled;
}

}  // namespace

Result<std::unique_ptr<DynamoTable>> OpenTable(Session& session, const DynamoDbOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckTable(options.table));
  const ClientOptions client_options{.region = options.aws.region,
                                     .endpoint = options.aws.endpoint};
  NANOGRID_ASSIGN_OR_RETURN(auto client,
                            Client::Make(Context{}, session, kDynamoDb, client_options));
  return std::make_unique<DynamoTable>(std::move(client), options.table);
}

}  // namespace aws

Result<std::unique_ptr<FunctionCatalog>> MakeDynamoDbCatalog(const DynamoDbOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  NANOGRID_ASSIGN_OR_RETURN(auto table, aws::OpenTable(*session, options));
  return aws::MakeFunctionCatalog(std::move(table), *options.clock);
}

Result<std::unique_ptr<JobStore>> MakeDynamoDbJobStore(const DynamoDbOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  NANOGRID_ASSIGN_OR_RETURN(auto table, aws::OpenTable(*session, options));
  return aws::MakeJobStore(std::move(table), options);
}

Status CreateDynamoDbJobTable(const Context& context, const DynamoDbOptions& options) {
  return aws::CreateTable(context, options, aws::kJobTable, "ttl");
}

Status CreateDynamoDbCatalogTable(const Context& context, const DynamoDbOptions& options) {
  return aws::CreateTable(context, options, aws::kCatalogTable, "");
}

Result<DynamoDbOptions> ParseDynamoDbUri(const Uri& uri, const AwsOptions& defaults) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"region", "endpoint", "profile", "ca"}));
  const std::string& rest = uri.path;
  if (uri.port != 0 || (uri.has_authority && !rest.empty() && rest != "/")) {
    return InvalidArgument("'{}': must be dynamodb://TABLE or dynamodb:Table", uri.ToString());
  }
  DynamoDbOptions options{.aws = aws::WithQuery(defaults, uri),
                          .table = uri.has_authority ? uri.host : rest};
  NANOGRID_RETURN_IF_ERROR(aws::CheckTable(options.table));
  return options;
}

}  // namespace nanogrid
