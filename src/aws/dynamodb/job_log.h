// What jobs print, in items of at most kLogChunk.
#pragma once

#include <string_view>

#include "aws/dynamodb/job_items.h"
#include "aws/dynamodb/table.h"
#include "nanogrid/clock.h"

namespace nanogrid::aws {

// Thread-safe.
class JobLog {
 public:
  JobLog(DynamoTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  // As JobStore's AppendLog and ReadLog.
  Status Append(const Context& context, const JobLease& lease, std::string_view bytes);
  Result<LogChunk> Read(const Context& context, std::string_view id, uint64_t offset,
                        size_t max_bytes);

 private:
  Status AppendPiece(const Context& context, const JobLease& lease, std::string_view piece);
  Status ReadOn(const Context& context, std::string_view id, size_t max_bytes, LogChunk& chunk);

  DynamoTable& table_;
  const Clock& clock_;
};

}  // namespace nanogrid::aws
