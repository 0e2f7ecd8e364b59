// What jobs printed, as rows of consecutive pieces.
#pragma once

#include "nanogrid/job_store.h"
#include "sqlite/connection.h"

namespace nanogrid::sqlite {

// As JobStore::AppendLog and ReadLog.
Status AppendToLog(Connection& connection, const JobLease& lease, std::string_view bytes);
Result<LogChunk> ReadFromLog(Connection& connection, std::string_view id, uint64_t offset,
                             size_t max_bytes);

}  // namespace nanogrid::sqlite
