#include "aws/dynamodb/job_log.h"

#include <algorithm>

#include "core/backoff.h"
#include "core/errors.h"
#include "core/job_rules.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

constexpr BackoffOptions kConflict{.base = std::chrono::milliseconds(10),
                                   .cap = std::chrono::milliseconds(500)};
constexpr size_t kMaxRead = 4 << 20;

Query LogQuery(std::string_view id, uint64_t first, uint64_t last) {
  return {.condition = "#pk = :job AND #sk BETWEEN :first AND :last",
          .values = {{":job", TextValue(JobPartition(id))},
                     {":first", TextValue(LogSortKey(first))},
                     {":last", TextValue(LogSortKey(last))}}};
}

// Adds what continues the chunk; false if nothing does.
bool Continue(const Item& item, size_t max_bytes, LogChunk& chunk) {
  const std::string_view bytes = BytesIn(item, "bytes");
  const uint64_t offset = LogOffset(item);
  if (offset > chunk.next || offset + bytes.size() <= chunk.next) return false;
  const std::string_view more = bytes.substr(chunk.next - offset, max_bytes - chunk.bytes.size());
  chunk.bytes += more;
  chunk.next += more.size();
  return true;
}

}  // namespace

Status JobLog::Append(const Context& context, const JobLease& lease, std::string_view bytes) {
  do {
    const std::string_view piece = bytes.substr(0, kLogChunk);
    NANOGRID_RETURN_IF_ERROR(AppendPiece(context, lease, piece));
    bytes.remove_prefix(piece.size());
  } while (!bytes.empty());
  return absl::OkStatus();
}

Status JobLog::AppendPiece(const Context& context, const JobLease& lease, std::string_view piece) {
  const std::string change = MakeRequestId();
  for (Backoff backoff(kConflict);;) {
    NANOGRID_ASSIGN_OR_RETURN(const auto job, table_.Get(context, JobKey(lease.id),
                                                         "#state, #attempt, #log, #log_change"));
    if (job && TextIn(*job, "log_change") == change)
      return absl::OkStatus();  // its answer was lost
    if (!job || TextIn(*job, "state") != ToString(JobState::kProcessing) ||
        NumberIn(*job, "attempt") != int64_t{lease.attempt}) {
      return LeaseLost(lease);
    }
    if (piece.empty()) return absl::OkStatus();
    const int64_t offset = NumberIn(*job, "log").value_or(0);
    Write grow{.kind = Write::Kind::kUpdate,
               .item = JobKey(lease.id),
               .update = "SET #log = :end, #log_change = :change",
               .condition = fmt::format("{} AND #log = :offset", kWhileRunning),
               .values = WhileRunningValues(lease)};
    grow.values[":offset"] = NumberValue(offset);
    grow.values[":end"] = NumberValue(offset + static_cast<int64_t>(piece.size()));
    grow.values[":change"] = TextValue(change);
    const Write chunk{
        .item = LogItem(lease.id, static_cast<uint64_t>(offset), piece, clock_.WallNow())};
    const Write writes[] = {std::move(grow), chunk};
    NANOGRID_ASSIGN_OR_RETURN(const bool done, table_.DoAll(context, writes));
    if (done) return absl::OkStatus();
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

Result<LogChunk> JobLog::Read(const Context& context, std::string_view id, uint64_t offset,
                              size_t max_bytes) {
  max_bytes = std::min(max_bytes, kMaxRead);
  LogChunk chunk{.next = offset};
  NANOGRID_RETURN_IF_ERROR(ReadOn(context, id, max_bytes, chunk));
  if (!chunk.bytes.empty()) return chunk;
  NANOGRID_ASSIGN_OR_RETURN(const auto job, table_.Get(context, JobKey(id), "#pk"));
  if (!job) return NoSuchJob(id);
  return chunk;
}

Status JobLog::ReadOn(const Context& context, std::string_view id, size_t max_bytes,
                      LogChunk& chunk) {
  // The item that has the first byte, then those behind it.
  Query query = LogQuery(id, 0, chunk.next);
  query.forward = false;
  query.limit = 1;
  NANOGRID_ASSIGN_OR_RETURN(const ItemPage first, table_.Find(context, query));
  if (first.items.empty() || !Continue(first.items[0], max_bytes, chunk)) return absl::OkStatus();
  if (chunk.bytes.size() == max_bytes) return absl::OkStatus();
  query = LogQuery(id, chunk.next, chunk.next + (max_bytes - chunk.bytes.size()) - 1);
  do {
    NANOGRID_ASSIGN_OR_RETURN(ItemPage page, table_.Find(context, query));
    for (const Item& item : page.items) {
      if (!Continue(item, max_bytes, chunk)) return absl::OkStatus();
    }
    query.after = std::move(page.next);
  } while (!query.after.empty());
  return absl::OkStatus();
}

}  // namespace nanogrid::aws
