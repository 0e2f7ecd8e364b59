// New tables on a double of DynamoDB.
#pragma once

#include "aws/dynamodb/stores.h"
#include "aws/service_double.h"

namespace nanogrid {

inline DynamoDbOptions NewTable(const std::string& endpoint) {
  // What the public functions read; there is nothing secret in them.
  for (const char* const variable : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
    ::setenv(variable, "test", 1);
  }
  DynamoDbOptions options;
  options.aws.endpoint = endpoint;
  options.aws.region = "us-east-1";
  options.table = UniqueName("table");
  return options;
}

inline std::unique_ptr<FunctionCatalog> NewDynamoDbCatalog(const std::string& endpoint) {
  const DynamoDbOptions options = NewTable(endpoint);
  const Status made = CreateDynamoDbCatalogTable(Context{}, options);
  EXPECT_TRUE(made.ok()) << made;
  auto catalog = MakeDynamoDbCatalog(options);
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  return *std::move(catalog);
}

inline std::unique_ptr<JobStore> OpenDynamoDbJobs(DynamoDbOptions options, const Clock& clock) {
  options.clock = &clock;
  auto store = MakeDynamoDbJobStore(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

inline DynamoDbOptions NewJobTable(const std::string& endpoint) {
  DynamoDbOptions options = NewTable(endpoint);
  const Status made = CreateDynamoDbJobTable(Context{}, options);
  EXPECT_TRUE(made.ok()) << made;
  return options;
}

}  // namespace nanogrid
