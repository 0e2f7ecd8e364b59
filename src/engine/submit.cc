#include "engine/submit.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/request_id.h"
#include "core/sha256.h"
#include "engine/job_life.h"
#include "engine/job_objects.h"

namespace nanogrid {
namespace {

constexpr Duration kMaxDelay = std::chrono::hours(24 * 365);

int64_t Seconds(Duration duration) {
  return std::chrono::floor<std::chrono::seconds>(duration).count();
}

// The same key of the same function has the same id: large events of equal requests get equal keys.
std::string JobIdOf(const SubmitRequest& request) {
  if (request.idempotency_key.empty()) return MakeRequestId();
  std::string id = Sha256Hex(request.function + '\n' + request.idempotency_key).substr(0, 32);
  id[12] = '8';                         // version 8 of RFC 9562: made its own way
  id[16] = "89ab"[(id[16] - '0') & 3];  // variant
  for (const size_t dash : {8, 13, 18, 23}) id.insert(dash, 1, '-');
  return id;
}

void SetTimes(Job& job, Duration delay, SystemTime now) {
  job.created = now;
  job.not_before = Later(now, delay);
  // Queues cannot delay for longer than kMaxDelay: then the sweeper sends it.
  job.due = delay > Queue::kMaxDelay ? job.not_before : Later(job.not_before, kPendingGrace);
}

}  // namespace

Status CheckSubmit(const SubmitRequest& request, const ControllerOptions& options) {
  if (request.event.size() > options.max_event) {
    return InvalidArgument("event: has {} bytes, the limit is {}", request.event.size(),
                           options.max_event);
  }
  if (request.delay < Duration(0) || request.delay > kMaxDelay) {
    return InvalidArgument("delay: {} s, must be 0 to {} s (365 days)", Seconds(request.delay),
                           Seconds(kMaxDelay));
  }
  return absl::OkStatus();
}

Result<Job> PrepareJob(const Context& context, const SubmitRequest& request,
                       const FunctionVersion& version, ObjectStore& objects, SystemTime now) {
  Job job{.id = JobIdOf(request),
          .function = request.function,
          .version = version.number,
          .idempotency_key = request.idempotency_key,
          .tenant = request.tenant,
          .retry = request.retry.AppliedTo(version.retry)};
  if (request.delay >= job.retry.max_age) {
    return InvalidArgument("delay: {} s, must be less than retry.max_age, {} s",
                           Seconds(request.delay), Seconds(job.retry.max_age));
  }
  SetTimes(job, request.delay, now);
  NANOGRID_RETURN_IF_ERROR(CheckNewJob(job));
  job.event = request.event;
  NANOGRID_RETURN_IF_ERROR(StoreLargeEvent(context, objects, job));
  return job;
}

Result<Job> CreateJob(const Context& context, const Job& job, const SubmitRequest& request,
                      JobStore& jobs, ObjectStore& objects) {
  Result<Job> created = jobs.Create(context, job);
  if (created.status().code() != absl::StatusCode::kAlreadyExists) return created;
  NANOGRID_ASSIGN_OR_RETURN(const Job existing, jobs.Get(context, job.id));
  Job wanted = job;
  if (request.qualifier != std::to_string(job.version)) {
    wanted.version = existing.version;
    wanted.retry = request.retry.AppliedTo(existing.retry);
  }
  if (SameRequest(existing, wanted)) return existing;
  if (!job.event_key.empty() && job.event_key != existing.event_key) {
    objects.Remove(context, job.event_key).IgnoreError();
  }
  return created;
}

Result<Job> RepeatedJob(const Context& context, const Job& job, ObjectStore& objects,
                        SystemTime now) {
  Job next{.id = MakeRequestId(),
           .function = job.function,
           .version = job.version,
           .tenant = job.tenant,
           .retry = job.retry,
           .retry_of = job.id};
  SetTimes(next, Duration(0), now);
  NANOGRID_ASSIGN_OR_RETURN(next.event, LoadEvent(context, objects, job));
  NANOGRID_RETURN_IF_ERROR(StoreLargeEvent(context, objects, next));
  return next;
}

}  // namespace nanogrid
