#include "sqlite/job_log.h"

#include "core/errors.h"
#include "core/job_rules.h"

namespace nanogrid::sqlite {

Status AppendToLog(Connection& connection, const JobLease& lease, std::string_view bytes) {
  Query running(connection, "SELECT number FROM jobs WHERE id = ?1 AND state = ?2 AND attempt = ?3",
                lease.id, static_cast<int>(JobState::kProcessing), lease.attempt);
  NANOGRID_ASSIGN_OR_RETURN(const bool is_running, running.Next());
  if (!is_running) return LeaseLost(lease);
  if (bytes.empty()) return absl::OkStatus();
  const int64_t job = running.Int(0);
  Query last(connection,
             "SELECT position + length(bytes) FROM logs WHERE job = ?1 "
             "ORDER BY position DESC LIMIT 1",
             job);
  NANOGRID_ASSIGN_OR_RETURN(const bool has_log, last.Next());
  return Query(connection, "INSERT INTO logs(job, position, bytes) VALUES(?1, ?2, ?3)", job,
               has_log ? last.Int(0) : 0, Blob{bytes})
      .Run();
}

Result<LogChunk> ReadFromLog(Connection& connection, std::string_view id, uint64_t offset,
                             size_t max_bytes) {
  Query find(connection, "SELECT number FROM jobs WHERE id = ?1", id);
  NANOGRID_ASSIGN_OR_RETURN(const bool found, find.Next());
  if (!found) return NoSuchJob(id);
  LogChunk chunk{.next = offset};
  if (offset > static_cast<uint64_t>(INT64_MAX)) return chunk;
  // From the piece that holds the offset on.
  Query pieces(connection,
               "SELECT position, bytes FROM logs WHERE job = ?1 AND position >= "
               "coalesce((SELECT max(position) FROM logs WHERE job = ?1 AND position <= ?2), 0) "
               "ORDER BY position",
               find.Int(0), offset);
  while (chunk.bytes.size() < max_bytes) {
    NANOGRID_ASSIGN_OR_RETURN(const bool row, pieces.Next());
    if (!row) break;
    const std::string bytes = pieces.Bytes(1);
    const uint64_t skip = chunk.next - pieces.Int<uint64_t>(0);
    if (skip >= bytes.size()) break;  // the end
    chunk.bytes.append(bytes, skip, max_bytes - chunk.bytes.size());
    chunk.next = offset + chunk.bytes.size();
  }
  return chunk;
}

}  // namespace nanogrid::sqlite
