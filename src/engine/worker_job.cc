#include "engine/worker_job.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "engine/job_files.h"
#include "engine/job_message.h"
#include "engine/job_objects.h"
#include "engine/job_pause.h"
#include "engine/lost_job.h"

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
  stop_.request_stop();
  leases_.StopAll();
}

Context WorkerJobs::ShortCall() const {
  return {.deadline = parts_.clock->Now() + parts_.options.lease};
}

void WorkerJobs::Handle(const Delivery& delivery) {
  Next next;
  const Result<JobNotice> notice = ReadJobMessage(delivery.body);
  if (notice.ok()) {
    do {
      next = Decide(*notice, delivery);
    } while (next.kind == Next::Kind::kAgain);
  } else {
    parts_.observer->OnError("read message", notice.status());
    next = Bury(DeadLetterMessage(delivery.body, notice.status()));
  }
  const bool held = leases_.Release(delivery.receipt);
  if (!held) {
    if (next.kind != Next::Kind::kAck) SendAgain(notice->job_id);
    return;
  }
  if (next.kind == Next::Kind::kAck) acks_.Add(delivery.receipt);
  if (next.kind == Next::Kind::kGiveBack) ReturnMessages({&delivery.receipt, 1}, next.wait);
}

void WorkerJobs::GiveBack(std::span<const Delivery> deliveries) {
  std::vector<Receipt> receipts;
  for (const Delivery& delivery : deliveries) {
    leases_.Release(delivery.receipt);
    receipts.push_back(delivery.receipt);
  }
  ReturnMessages(receipts, Duration(0));
}

void WorkerJobs::ReturnMessages(std::span<const Receipt> receipts, Duration wait) {
  while (!receipts.empty()) {
    const auto batch = receipts.first(std::min(receipts.size(), Queue::kMaxBatch));
    const auto given = parts_.queue->Extend(ShortCall(), batch, std::min(wait, kMaxGiveBack));
    if (!given.ok()) parts_.observer->OnError("give message back", given.status());
    receipts = receipts.subspan(batch.size());
  }
}

void WorkerJobs::SendAgain(const std::string& job_id) {
  const Result<Job> job = parts_.jobs->Get(ShortCall(), job_id);
  if (job.ok()) SendMessage(*job);
}

void WorkerJobs::SendMessage(const Job& job) {
  const SystemTime now = parts_.clock->WallNow();
  // What cannot be sent now, or delayed for so long, the sweeper sends.
  if (job.not_before > Later(now, Queue::kMaxDelay)) return;
  const Message messages[] = {JobMessage(job, now)};
  const auto sent = parts_.queue->Send(ShortCall(), messages);
  if (!sent.ok()) parts_.observer->OnError("send job", sent.status());
}

WorkerJobs::Next WorkerJobs::Decide(const JobNotice& notice, const Delivery& delivery) {
  const Result<Job> job = parts_.jobs->Get(ShortCall(), notice.job_id);
  if (absl::IsNotFound(job.status())) return Record(notice, delivery);
  if (absl::IsInvalidArgument(job.status())) {
    return Bury(DeadLetterMessage(delivery.body, job.status()));
  }
  if (!job.ok()) {
    parts_.observer->OnError("get job", job.status());
    return {Next::Kind::kLeave};
  }
  const SystemTime now = parts_.clock->WallNow();
  DeliveryDecision decision = DecideDelivery(*job, parts_.options.max_crashes, now);
  switch (decision.action) {
    case DeliveryAction::kDrop:
      return Drop(*job);
    case DeliveryAction::kWait:
      return {Next::Kind::kGiveBack, decision.wait};
    case DeliveryAction::kFail:
      return Fail(*job, std::move(decision.reason));
    case DeliveryAction::kRun:
      break;
  }
  if (stop_.stop_requested()) return {Next::Kind::kGiveBack};
  return Run(*job, delivery.receipt);
}

WorkerJobs::Next WorkerJobs::Record(const JobNotice& notice, const Delivery& delivery) {
  const Status recorded =
      RecordLostJob(Context::WithStop(stop_.get_token()), parts_, notice, delivery.sent);
  if (recorded.ok()) return {Next::Kind::kAgain};
  parts_.observer->OnError("record job of a message", recorded);
  if (!absl::IsFailedPrecondition(recorded)) return {Next::Kind::kLeave};
  return Bury(DeadLetterMessage(delivery.body, recorded));
}

// A dead letter whose worker died before it was sent comes here again.
WorkerJobs::Next WorkerJobs::Drop(const Job& job) {
  const bool dead = job.state == JobState::kFailed && !job.dead_letter.empty();
  return dead ? Bury(DeadLetterMessage(job)) : Next{Next::Kind::kAck};
}

WorkerJobs::Next WorkerJobs::Bury(const Message& dead_letter) {
  if (parts_.dead_letters == nullptr) return {Next::Kind::kAck};
  const Message messages[] = {dead_letter};
  const auto sent = parts_.dead_letters->Send(ShortCall(), messages);
  if (sent.ok()) return {Next::Kind::kAck};
  parts_.observer->OnError("send dead letter", sent.status());
  return {Next::Kind::kLeave};
}

WorkerJobs::Next WorkerJobs::Fail(const Job& job, std::string reason) {
  const Job next =
      Failed(job, std::move(reason), parts_.clock->WallNow(), parts_.options.retention);
  const auto failed = parts_.jobs->Transition(ShortCall(), {job.id, job.attempt}, job.state, next);
  if (failed.ok()) return Drop(*failed);
  return {MeansLost(failed.status()) ? Next::Kind::kAgain : Next::Kind::kLeave};
}

WorkerJobs::Next WorkerJobs::Run(const Job& job, const Receipt& receipt) {
  const TimePoint began = parts_.clock->Now();
  const Job next = Started(job, worker_, parts_.clock->WallNow(), parts_.options.lease);
  const auto attempt =
      std::make_shared<HeldAttempt>(JobLease{next.id, next.attempt}, receipt, StoreFor(next));
  if (!leases_.Begin(attempt)) return AfterOther(job, attempt->lease);
  Next then;
  if (const std::optional<Job> running = Claim(job, next, then)) {
    leases_.Keep(attempt, began);
    JobFiles files(*parts_.objects, attempt->lease, attempt->lost.get_token());
    Result<Outcome> outcome = Invoke(*running, *attempt, files);
    attempt->log.Finish();
    then = End(*running, *attempt, std::move(outcome), files);
    ++finished_;
  }
  leases_.End(attempt);
  return then;
}

// Another slot makes this attempt, or tries to: it had another message of the job.
WorkerJobs::Next WorkerJobs::AfterOther(const Job& job, const JobLease& attempt) {
  if (!leases_.AwaitRecorded(attempt)) return {Next::Kind::kAgain};
  const auto now = parts_.jobs->Get(ShortCall(), job.id);
  const bool moved = now.ok() && (now->state != job.state || now->attempt != job.attempt);
  return {moved ? Next::Kind::kAgain : Next::Kind::kLeave};  // not: the store has lost it
}

std::optional<Job> WorkerJobs::Claim(const Job& job, const Job& next, Next& otherwise) {
  const auto claimed = parts_.jobs->Transition(ShortCall(), {job.id, job.attempt}, job.state, next);
  if (claimed.ok()) return *claimed;
  otherwise = {MeansLost(claimed.status()) ? Next::Kind::kAgain : Next::Kind::kLeave};
  if (!MayPass(claimed.status())) return std::nullopt;
  // It may have happened all the same.
  const auto now = parts_.jobs->Get(ShortCall(), job.id);
  // This very claim: another slot of this worker may have made one, and lost its job since.
  const auto stamp = [](const Job& of) {
    return std::chrono::floor<std::chrono::milliseconds>(of.started);
  };
  const bool mine = now.ok() && now->state == JobState::kProcessing &&
                    now->attempt == next.attempt && now->worker == worker_ &&
                    stamp(*now) == stamp(next);
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

WorkerJobs::Next WorkerJobs::End(const Job& running, HeldAttempt& attempt, Result<Outcome> outcome,
                                 const JobFiles& files) {
  StoredResult stored;
  GrowingPause pause;
  while (outcome.ok()) {
    // As long as it takes: it may be large.
    Result<StoredResult> result =
        StoreLargeResult(Context::WithStop(attempt.lost.get_token()), *parts_.objects,
                         attempt.lease, *outcome, parts_.options.max_inline_result);
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
  // Should this process die between the record and the dead letter, a message has to come again.
  if (!next.dead_letter.empty() && parts_.dead_letters != nullptr &&
      !leases_.IsHeld(attempt.receipt)) {
    SendMessage(next);
  }
  while (!attempt.lost.stop_requested()) {
    const auto ended =
        parts_.jobs->Transition(ShortCall(), attempt.lease, JobState::kProcessing, next);
    if (ended.ok()) {
      if (next.state != JobState::kPending) return Drop(*ended);
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
