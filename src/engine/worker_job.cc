#include "engine/worker_job.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "engine/job_files.h"
#include "engine/job_message.h"
#include "engine/job_objects.h"
#include "engine/job_pause.h"

namespace nanogrid {
namespace {

constexpr Duration kMaxGiveBack = std::chrono::hours(12);  // what queues can do

// `from` .. `to`, not negative.
Duration Between(SystemTime from, SystemTime to) { return to - std::min(from, to); }

}  // namespace

WorkerJobs::WorkerJobs(const WorkerParts& parts, std::string worker, std::string events_end)
    : parts_(parts),
      worker_(std::move(worker)),
      acks_(Queue::kMaxBatch,
            [this](const Context&, std::span<const Receipt> receipts) {
              return parts_.queue->Ack(ShortCall(), receipts);
            }),
      leases_(parts, std::move(events_end)) {}

void WorkerJobs::StopAll() {
  stopped_ = true;
  leases_.StopAll();
}

Context WorkerJobs::ShortCall() const {
  return {.deadline = parts_.clock->Now() + parts_.options.lease};
}

void WorkerJobs::Handle(const Delivery& delivery) {
  Next next;
  const Result<std::string> id = ReadJobMessage(delivery.body);
  if (id.ok()) {
    do {
      next = Decide(*id);
    } while (next.kind == Next::Kind::kAgain);
  } else {
    parts_.observer->OnError("read message", id.status());
  }
  leases_.Release(delivery.receipt);
  if (next.kind == Next::Kind::kAck) acks_.Add(delivery.receipt);
  if (next.kind != Next::Kind::kGiveBack) return;
  const Receipt receipts[] = {delivery.receipt};
  const auto given = parts_.queue->Extend(ShortCall(), receipts, std::min(next.wait, kMaxGiveBack));
  if (!given.ok()) parts_.observer->OnError("give message back", given.status());
}

WorkerJobs::Next WorkerJobs::Decide(const std::string& job_id) {
  const Result<Job> job = parts_.jobs->Get(ShortCall(), job_id);
  if (!job.ok()) {
    parts_.observer->OnError("get job", job.status());
    const bool none = absl::IsNotFound(job.status()) || absl::IsInvalidArgument(job.status());
    return {none ? Next::Kind::kAck : Next::Kind::kLeave};
  }
  const SystemTime now = parts_.clock->WallNow();
  DeliveryDecision decision = DecideDelivery(*job, parts_.options.max_crashes, now);
  switch (decision.action) {
    case DeliveryAction::kDrop:
      return {Next::Kind::kAck};
    case DeliveryAction::kWait:
      return {Next::Kind::kGiveBack, Between(now, decision.until)};
    case DeliveryAction::kFail:
      return Fail(*job, std::move(decision.reason));
    case DeliveryAction::kRun:
      break;
  }
  if (stopped_) return {Next::Kind::kGiveBack};
  return Run(*job);
}

WorkerJobs::Next WorkerJobs::Fail(const Job& job, std::string reason) {
  const Job next =
      Failed(job, std::move(reason), parts_.clock->WallNow(), parts_.options.retention);
  const auto failed = parts_.jobs->Transition(ShortCall(), {job.id, job.attempt}, job.state, next);
  if (failed.ok()) return {Next::Kind::kAck};
  return {MeansLost(failed.status()) ? Next::Kind::kAgain : Next::Kind::kLeave};
}

WorkerJobs::Next WorkerJobs::Run(const Job& job) {
  const Job next = Started(job, worker_, parts_.clock->WallNow(), parts_.options.lease);
  const auto attempt =
      std::make_shared<HeldAttempt>(JobLease{next.id, next.attempt}, StoreFor(next));
  leases_.Begin(attempt);
  Next then;
  if (const std::optional<Job> running = Claim(job, next, then)) {
    leases_.Keep(attempt, parts_.clock->Now());
    JobFiles files(*parts_.objects, attempt->lease, attempt->lost.get_token());
    Result<Outcome> outcome = Invoke(*running, *attempt, files);
    attempt->log.Finish();
    then = Record(*running, *attempt, std::move(outcome), files);
    ++finished_;
  }
  leases_.End(attempt);
  return then;
}

std::optional<Job> WorkerJobs::Claim(const Job& job, const Job& next, Next& otherwise) {
  const auto claimed = parts_.jobs->Transition(ShortCall(), {job.id, job.attempt}, job.state, next);
  if (claimed.ok()) return *claimed;
  otherwise = {MeansLost(claimed.status()) ? Next::Kind::kAgain : Next::Kind::kLeave};
  if (!MayPass(claimed.status())) return std::nullopt;
  // It may have happened all the same.
  const auto now = parts_.jobs->Get(ShortCall(), job.id);
  const bool mine = now.ok() && now->state == JobState::kProcessing &&
                    now->attempt == next.attempt && now->worker == worker_;
  return mine ? std::optional(*now) : std::nullopt;
}

Result<Outcome> WorkerJobs::Invoke(const Job& running, HeldAttempt& attempt, JobFiles& files) {
  const Context context = Context::WithStop(attempt.stop.get_token());
  NANOGRID_ASSIGN_OR_RETURN(std::string event, LoadEvent(context, *parts_.objects, running));
  return parts_.engine->Invoke(context, {.function = running.function,
                                         .event = std::move(event),
                                         .qualifier = std::to_string(running.version),
                                         .log = &attempt.log,
                                         .request_id = running.id,
                                         .tenant = running.tenant,
                                         .files = &files});
}

WorkerJobs::Next WorkerJobs::Record(const Job& running, HeldAttempt& attempt,
                                    Result<Outcome> outcome, const JobFiles& files) {
  StoredResult stored;
  GrowingPause pause;
  while (outcome.ok()) {
    // As long as it takes: it may be large.
    Result<StoredResult> result = StoreLargeResult(Context::WithStop(attempt.lost.get_token()),
                                                   *parts_.objects, attempt.lease, *outcome);
    if (result.ok()) {
      stored = *std::move(result);
      break;
    }
    if (!MayPass(result.status())) {
      outcome = Internal("result of {} bytes: {}", outcome->result.size(),
                         std::string(result.status().message()));
    } else if (!pause.Wait(attempt.lost.get_token())) {
      break;
    }
  }
  stored.files_key = files.key();
  stored.files = files.count();
  Job next = Ended(running, outcome, stored, parts_.clock->WallNow(), parts_.options.retention);
  next.progress = attempt.log.progress();
  return RecordEnd(running, attempt, std::move(next));
}

WorkerJobs::Next WorkerJobs::RecordEnd(const Job& running, HeldAttempt& attempt, Job next) {
  GrowingPause pause;
  bool refused = false;
  while (!attempt.lost.stop_requested()) {
    const auto ended =
        parts_.jobs->Transition(ShortCall(), attempt.lease, JobState::kProcessing, next);
    if (ended.ok()) {
      if (next.state != JobState::kPending) return {Next::Kind::kAck};
      return {Next::Kind::kGiveBack, Between(parts_.clock->WallNow(), next.not_before)};
    }
    if (MeansLost(ended.status())) break;
    if (MayPass(ended.status())) {
      pause.Wait(attempt.lost.get_token());
      continue;
    }
    parts_.observer->OnError("record job", ended.status());
    if (std::exchange(refused, true)) return {Next::Kind::kLeave};
    // It cannot be recorded as it is: say at least why.
    next = Ended(running, Internal("{}", std::string(ended.status().message())), {},
                 parts_.clock->WallNow(), parts_.options.retention);
  }
  return AfterLoss(running, next);
}

// The record says who has the job now. Objects that it does not name are of no use.
WorkerJobs::Next WorkerJobs::AfterLoss(const Job& running, const Job& mine) {
  if (mine.result_key.empty() && mine.files_key.empty()) return {Next::Kind::kAgain};
  const auto now = parts_.jobs->Get(ShortCall(), running.id);
  if (!now.ok() && !absl::IsNotFound(now.status())) return {Next::Kind::kAgain};
  if (!mine.result_key.empty() && (!now.ok() || now->result_key != mine.result_key)) {
    parts_.objects->Remove(ShortCall(), mine.result_key).IgnoreError();
  }
  if (!mine.files_key.empty() && (!now.ok() || now->files_key != mine.files_key)) {
    RemoveObjects(ShortCall(), *parts_.objects, mine.files_key).IgnoreError();
  }
  return {Next::Kind::kAgain};
}

LogWriter::Store WorkerJobs::StoreFor(const Job& running) {
  const JobLease lease{running.id, running.attempt};
  return {.append =
              [this, lease](std::string_view bytes) {
                return parts_.jobs->AppendLog(ShortCall(), lease, bytes);
              },
          .report =
              [this, running](const std::string& json) {
                Job next = running;
                next.progress = json;
                next.due = Later(parts_.clock->WallNow(), parts_.options.lease);
                return parts_.jobs
                    ->Transition(ShortCall(), {running.id, running.attempt}, JobState::kProcessing,
                                 next)
                    .status();
              }};
}

}  // namespace nanogrid
