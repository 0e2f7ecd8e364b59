#include "engine/lost_job.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "core/names.h"
#include "engine/job_life.h"

namespace nanogrid {
namespace {

// The file of a function that has no name but what the sender calls its code.
std::string FileName(std::string_view key) { return std::string(key.substr(key.rfind('/') + 1)); }

// What `code` means as a key of the code bucket; registered under the function's name. The same
// code again is the same version.
Result<FunctionVersion> RegisterCode(const Context& context, const WorkerParts& parts,
                                     const JobNotice& notice) {
  NANOGRID_ASSIGN_OR_RETURN(std::string bytes,
                            ReadObject(context, *parts.foreign_code, notice.code));
  FunctionSpec spec{.name = notice.function};
  spec.code = bytes.starts_with("PK") ? Code::Zip(std::move(bytes))
                                      : Code::Inline(FileName(notice.code), std::move(bytes));
  return parts.engine->Register(context, spec);
}

Result<FunctionVersion> VersionOf(const Context& context, const WorkerParts& parts,
                                  const JobNotice& notice) {
  if (parts.foreign_code != nullptr && CheckObjectKey(notice.code).ok()) {
    Result<FunctionVersion> registered = RegisterCode(context, parts, notice);
    if (!absl::IsNotFound(registered.status())) return registered;
  }
  return parts.engine->Get(context, notice.function);
}

// Sets what a message that another program wrote does not say: the version, and with it how often
// the job is tried.
Status Complete(const Context& context, const WorkerParts& parts, const JobNotice& notice,
                Job& job) {
  if (const auto number = ParseVersionNumber(notice.code); number.ok()) {
    job.version = *number;
    return absl::OkStatus();
  }
  NANOGRID_ASSIGN_OR_RETURN(const FunctionVersion version, VersionOf(context, parts, notice));
  job.version = version.number;
  if (job.retry == RetryPolicy{}) job.retry = version.retry;
  return absl::OkStatus();
}

bool MayPassLater(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

Status Final(const Status& status) {
  if (status.ok() || MayPassLater(status)) return status;
  return FailedPrecondition("{}", std::string(status.message()));
}

}  // namespace

Status RecordLostJob(const Context& context, const WorkerParts& parts, const JobNotice& notice,
                     SystemTime sent) {
  const SystemTime now = parts.clock->WallNow();
  // A record lives for so long after its job has ended: it may have been run.
  if (now - std::min(now, sent) >= parts.options.retention) {
    return FailedPrecondition("job '{}' has no record, and may have ended and expired",
                              notice.job_id);
  }
  Job job = notice.job;
  if (Status named = CheckFunctionName(job.function); !named.ok()) return Final(named);
  if (Status complete = Complete(context, parts, notice, job); !complete.ok()) {
    return Final(complete);
  }
  if (job.created == SystemTime()) job.created = sent;
  job.not_before = now;
  job.due = Later(now, kPendingGrace);
  return Final(parts.jobs->Create(context, job).status());
}

}  // namespace nanogrid
