#include "engine/sweeper.h"

#include <utility>

#include "core/errors.h"
#include "engine/job_life.h"
#include "engine/job_objects.h"
#include "engine/job_pause.h"

namespace nanogrid {
namespace {

constexpr size_t kBatch = 1000;

}  // namespace

Sweeper::Sweeper(const ControllerParts& parts, std::function<void(const Job&)> send)
    : parts_(parts),
      send_(std::move(send)),
      began_(parts.clock->WallNow()),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Sweeper::Run(const std::stop_token& stop) {
  const Context context = Context::WithStop(stop);
  Status status = SendNewest(context);
  while (!stop.stop_requested()) {
    if (status.ok()) status = Sweep(context);
    if (!status.ok() && !stop.stop_requested()) parts_.observer->OnError("sweep jobs", status);
    status = absl::OkStatus();
    Pause(stop, parts_.options.sweep_every);
  }
}

Status Sweeper::SendNewest(const Context& context) {
  const JobFilter pending{.state = JobState::kPending};
  NANOGRID_ASSIGN_OR_RETURN(const JobPage newest, parts_.jobs->List(context, pending, {}, kBatch));
  for (const Job& job : newest.jobs) {
    if (job.attempt == 0 && job.created < began_) send_(job);
  }
  return absl::OkStatus();
}

Status Sweeper::Sweep(const Context& context) {
  still_overdue_.clear();
  Status status = SweepAll(context);
  overdue_.swap(still_overdue_);
  return status;
}

Status Sweeper::SweepAll(const Context& context) {
  while (true) {
    const SystemTime now = parts_.clock->WallNow();
    NANOGRID_ASSIGN_OR_RETURN(const std::vector<Job> due, parts_.jobs->Due(context, now, kBatch));
    size_t handled = 0;
    Status trouble;  // of one job: the others go on
    for (const Job& job : due) {
      NANOGRID_RETURN_IF_ERROR(context.Check(parts_.clock->Now()));
      if (job.state == JobState::kProcessing && !IsSilent(job)) continue;
      const Status status = Handle(context, job, now);
      // Aborted, NotFound: somebody else was faster, a worker or another controller.
      if (status.ok() || absl::IsAborted(status) || absl::IsNotFound(status)) {
        ++handled;
      } else {
        trouble.Update(status);
      }
    }
    if (due.size() < kBatch || handled == 0) return trouble;
  }
}

Status Sweeper::Handle(const Context& context, const Job& job, SystemTime now) {
  const DueDecision decision = DecideDue(job, now);
  if (decision.expired) {
    NANOGRID_RETURN_IF_ERROR(RemoveJobObjects(context, *parts_.objects, job));
    return parts_.jobs->Remove(context, job.id);
  }
  const Result<Job> next =
      parts_.jobs->Transition(context, {job.id, job.attempt}, job.state, decision.next);
  if (!next.ok()) return next.status();
  send_(*next);
  return absl::OkStatus();
}

bool Sweeper::IsSilent(const Job& job) {
  const TimePoint now = parts_.clock->Now();
  Overdue overdue{job.attempt, job.due, now};
  for (const auto* const seen : {&overdue_, &still_overdue_}) {
    const auto before = seen->find(job.id);
    if (before != seen->end() && before->second.attempt == job.attempt &&
        before->second.due == job.due) {
      overdue.since = std::min(overdue.since, before->second.since);
    }
  }
  still_overdue_[job.id] = overdue;
  return now - overdue.since >= parts_.options.clock_tolerance;
}

}  // namespace nanogrid
