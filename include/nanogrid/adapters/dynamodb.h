// "dynamodb://TABLE": functions and jobs in DynamoDB. docs/adapters.md says what they promise and
// what they cost.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/adapters/aws.h"
#include "nanogrid/clock.h"
#include "nanogrid/job_store.h"
#include "nanogrid/storage.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct DynamoDbOptions {
  AwsOptions aws{};
  std::string table{};  // 3..255 letters, digits, '_', '-', '.'
  // A job's record is gone by itself so long after it was due to be removed (the table's TTL): time
  // for a sweeper to remove its objects first.
  Duration expiry_grace = std::chrono::hours(1);
  const Clock* clock = &Clock::System();  // of records; outlives what is made
};

// A table with the partition key functionId (a string) and nothing else. Items in it that are not
// of this catalog are left alone. NotFound and PermissionDenied come with the first call.
Result<std::unique_ptr<FunctionCatalog>> MakeDynamoDbCatalog(const DynamoDbOptions& options);
// A table as CreateDynamoDbJobTable makes it.
Result<std::unique_ptr<JobStore>> MakeDynamoDbJobStore(const DynamoDbOptions& options);

// Makes the table, paid per request, and waits until it can be used; OK if it is there already.
Status CreateDynamoDbCatalogTable(const Context& context, const DynamoDbOptions& options);
Status CreateDynamoDbJobTable(const Context& context, const DynamoDbOptions& options);

// "dynamodb://table", or "dynamodb:Table" (a URI's host is lower case), each with
// "?region=…&endpoint=…&profile=…&ca=…".
Result<DynamoDbOptions> ParseDynamoDbUri(const Uri& uri, const AwsOptions& defaults = {});

}  // namespace nanogrid
