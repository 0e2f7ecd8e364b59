// What is made of a table.
#pragma once

#include <memory>

#include "aws/dynamodb/table.h"
#include "aws/session.h"
#include "nanogrid/adapters/dynamodb.h"

namespace nanogrid::aws {

Result<std::unique_ptr<DynamoTable>> OpenTable(Session& session, const DynamoDbOptions& options);
std::unique_ptr<FunctionCatalog> MakeFunctionCatalog(std::unique_ptr<DynamoTable> table,
                                                     const Clock& clock);

std::unique_ptr<JobStore> MakeJobStore(std::unique_ptr<DynamoTable> table,
                                       const DynamoDbOptions& options);

}  // namespace nanogrid::aws
