#include "aws/dynamodb/table.h"

#include <algorithm>

#include "core/backoff.h"
#include "core/errors.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

const char* OperationOf(Write::Kind kind) {
  switch (kind) {
    case Write::Kind::kUpdate:
      return "UpdateItem";
    case Write::Kind::kDelete:
      return "DeleteItem";
    case Write::Kind::kPut:
    case Write::Kind::kCheck:
      break;
  }
  return "PutItem";
}

constexpr BackoffOptions kUnprocessed{.base = std::chrono::milliseconds(50)};
// A transaction on the same item lasts milliseconds.
constexpr BackoffOptions kConflict{.base = std::chrono::milliseconds(10),
                                   .cap = std::chrono::milliseconds(200)};
constexpr uint32_t kConflictRetries = 12;

}  // namespace

Result<std::optional<Item>> DynamoTable::Get(const Context& context, const Item& key,
                                             std::string_view attributes) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                            client_->Json(context, "GetItem", GetItemJson(name_, key, attributes)));
  return ParseItem(answer);
}

Result<std::optional<std::string>> DynamoTable::WriteOne(const Context& context, const Write& write,
                                                         bool answer_new) {
  const std::string request = WriteJson(name_, write, answer_new);
  for (Backoff backoff(kConflict);;) {
    auto answer = client_->Json(context, OperationOf(write.kind), request);
    if (answer.ok()) return std::optional(*std::move(answer));
    const std::string code = FailureCode(answer.status());
    if (code == "ConditionalCheckFailedException") return std::optional<std::string>();
    if (code != "TransactionConflictException") return answer.status();
    if (backoff.retries() == kConflictRetries) {
      return Status(absl::StatusCode::kUnavailable, answer.status().message());
    }
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

Result<bool> DynamoTable::Do(const Context& context, const Write& write) {
  NANOGRID_ASSIGN_OR_RETURN(const auto answer, WriteOne(context, write, false));
  return answer.has_value();
}

Result<std::optional<Item>> DynamoTable::Update(const Context& context, const Write& write) {
  NANOGRID_ASSIGN_OR_RETURN(const auto answer, WriteOne(context, write, true));
  if (!answer) return std::optional<Item>();
  return ParseItem(*answer);
}

Result<bool> DynamoTable::DoAll(const Context& context, std::span<const Write> writes) {
  const auto answer =
      client_->Json(context, "TransactWriteItems", TransactionJson(name_, writes, MakeRequestId()));
  if (answer.ok()) return true;
  const std::string code = FailureCode(answer.status());
  if (code != "TransactionCanceledException") return answer.status();
  const std::string_view reasons(answer.status().message().data(),
                                 answer.status().message().size());
  for (const char* const retry : {"ConditionalCheckFailed", "TransactionConflict"}) {
    if (reasons.find(retry) != reasons.npos) return false;
  }
  // "[None, ThrottlingError]", "[ProvisionedThroughputExceeded]", "[ValidationError]", …
  const bool throttled =
      reasons.find("Throughput") != reasons.npos || reasons.find("ThrottlingError") != reasons.npos;
  return Status(throttled ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInternal,
                answer.status().message());
}

Result<ItemPage> DynamoTable::Find(const Context& context, const Query& query) {
  const char* const operation = query.condition.empty() ? "Scan" : "Query";
  NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                            client_->Json(context, operation, QueryJson(name_, query)));
  return ParsePage(answer);
}

Status DynamoTable::WriteMany(const Context& context, std::vector<Write> writes) {
  Backoff backoff(kUnprocessed);
  while (!writes.empty()) {
    const size_t count = std::min(kMaxBatchWrite, writes.size());
    const std::span batch = std::span(writes).last(count);
    NANOGRID_ASSIGN_OR_RETURN(
        const std::string answer,
        client_->Json(context, "BatchWriteItem", BatchWriteJson(name_, batch)));
    NANOGRID_ASSIGN_OR_RETURN(const std::vector<Write> left, ParseBatchWrite(answer, name_));
    writes.resize(writes.size() - count);
    writes.insert(writes.end(), left.begin(), left.end());
    if (left.empty()) {
      backoff.Reset();
    } else {
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
    }
  }
  return absl::OkStatus();
}

Result<std::vector<Item>> DynamoTable::GetMany(const Context& context, std::vector<Item> keys) {
  std::vector<Item> items;
  Backoff backoff(kUnprocessed);
  while (!keys.empty()) {
    const size_t count = std::min(kMaxBatchGet, keys.size());
    const std::span batch = std::span(keys).last(count);
    NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                              client_->Json(context, "BatchGetItem", BatchGetJson(name_, batch)));
    NANOGRID_ASSIGN_OR_RETURN(BatchItems got, ParseBatchGet(answer, name_));
    keys.resize(keys.size() - count);
    keys.insert(keys.end(), got.unprocessed.begin(), got.unprocessed.end());
    std::move(got.items.begin(), got.items.end(), std::back_inserter(items));
    if (got.unprocessed.empty()) {
      backoff.Reset();
    } else {
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
    }
  }
  return items;
}

}  // namespace nanogrid::aws
