#include "engine/job_objects.h"

#include "core/errors.h"
#include "core/sha256.h"
#include "engine/job_files.h"

namespace nanogrid {
namespace {

std::string JobPrefix(std::string_view id) { return fmt::format("jobs/{}/", id); }

}  // namespace

Status StoreLargeEvent(const Context& context, ObjectStore& objects, Job& job) {
  if (job.event.size() <= JobStore::kMaxInline) return absl::OkStatus();
  std::string key = fmt::format("{}event.{}", JobPrefix(job.id), Sha256Hex(job.event));
  const auto written = WriteObject(context, objects, key, job.event);
  if (!written.ok()) return written.status();
  job.event_key = std::move(key);
  job.event = std::string();
  return absl::OkStatus();
}

Result<std::string> LoadEvent(const Context& context, ObjectStore& objects, const Job& job) {
  if (job.event_key.empty()) return job.event;
  return ReadObject(context, objects, job.event_key);
}

Result<StoredResult> StoreLargeResult(const Context& context, ObjectStore& objects,
                                      const JobLease& attempt, const Outcome& outcome,
                                      size_t max_inline) {
  if (outcome.result.size() <= max_inline) return StoredResult{};
  std::string key = fmt::format("{}result.{}", JobPrefix(attempt.id), attempt.attempt);
  const auto written = WriteObject(context, objects, key, outcome.result);
  if (!written.ok()) return written.status();
  return StoredResult{.key = std::move(key), .size = outcome.result.size()};
}

Status RemoveJobObjects(const Context& context, ObjectStore& objects, const Job& job) {
  for (const std::string& key : {job.event_key, job.result_key}) {
    if (!key.empty()) NANOGRID_RETURN_IF_ERROR(objects.Remove(context, key));
  }
  // Only a job that was started twice can have left another result behind.
  if (job.attempt < 2 && job.files_key.empty()) return absl::OkStatus();
  return RemoveObjects(context, objects, JobPrefix(job.id));
}

}  // namespace nanogrid
