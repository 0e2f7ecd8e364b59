// Jobs as rows.
#pragma once

#include <optional>
#include <vector>

#include "nanogrid/job_store.h"
#include "sqlite/connection.h"

namespace nanogrid::sqlite {

// A job and its row's number.
struct StoredJob {
  int64_t number = 0;
  Job job{};
};

enum class Payloads { kLeaveOut, kLoad };

Result<std::optional<StoredJob>> FindJob(Connection& connection, std::string_view id,
                                         Payloads payloads);
// The one of `function` with this idempotency key, with payloads.
Result<std::optional<StoredJob>> FindJobByKey(Connection& connection, std::string_view function,
                                              std::string_view key);
// Newest first, without payloads, numbers below `before`; at most `limit`.
Result<std::vector<StoredJob>> ListJobs(Connection& connection, const JobFilter& filter,
                                        int64_t before, size_t limit);
// due <= now, those due longest first, without payloads.
Result<std::vector<StoredJob>> DueJobs(Connection& connection, SystemTime now, size_t limit);

Status InsertJob(Connection& connection, const StoredJob& stored);
// What may change, as `stored` has it; `before` is what is there.
Status UpdateJob(Connection& connection, const StoredJob& stored, const Job& before);
// With events, payloads and log.
Status DeleteJob(Connection& connection, int64_t number);

}  // namespace nanogrid::sqlite
