#include "engine/job_life.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"

namespace nanogrid {
namespace {

// Between attempts that the engine could not make.
constexpr Duration kEngineBackoff = std::chrono::seconds(5);
constexpr Duration kMaxEngineBackoff = std::chrono::minutes(5);
constexpr Duration kMaxPendingGrace = std::chrono::hours(1);

bool TooOld(const Job& job, SystemTime now) { return now > Later(job.created, job.retry.max_age); }

std::string TooOldReason(const Job& job) {
  return fmt::format("no attempt could begin within retry.max_age, {} s after it was submitted",
                     std::chrono::floor<std::chrono::seconds>(job.retry.max_age).count());
}

FunctionError EngineError(std::string message) {
  return {.type = "Engine", .message = std::move(message)};
}

Job Finished(const Job& job, JobState state, SystemTime now, Duration retention) {
  Job next = job;
  next.state = state;
  next.finished = now;
  next.due = Later(now, retention);
  return next;
}

Job Pending(const Job& job, SystemTime not_before) {
  Job next = job;
  next.state = JobState::kPending;
  next.not_before = not_before;
  next.due = Later(not_before, kPendingGrace);
  return next;
}

Job AfterFailure(const Job& job, SystemTime now, Duration retention) {
  const uint32_t failures = job.attempt - job.lost;
  if (failures >= job.retry.max_attempts) {
    return Failed(job, fmt::format("failed in attempt {} of {}", failures, job.retry.max_attempts),
                  now, retention);
  }
  const SystemTime again = Later(now, Backoff(failures, job.retry.backoff, job.retry.max_backoff));
  if (TooOld(job, again)) return Failed(job, TooOldReason(job), now, retention);
  return Pending(job, again);
}

Job AfterEngineError(const Job& job, const Status& error, SystemTime now, Duration retention) {
  const bool try_again = error.code() == absl::StatusCode::kUnavailable ||
                         error.code() == absl::StatusCode::kResourceExhausted;
  if (!try_again) {
    Job failed = job;
    failed.outcome =
        Outcome{.ending = Ending::kException, .error = EngineError(std::string(error.message()))};
    return Failed(failed, "the engine cannot run it", now, retention);
  }
  Job next = Pending(job, Later(now, Backoff(job.lost + 1, kEngineBackoff, kMaxEngineBackoff)));
  ++next.lost;
  return next;
}

}  // namespace

SystemTime Later(SystemTime time, Duration duration) {
  const auto step = std::chrono::ceil<std::chrono::milliseconds>(duration);
  return step < SystemTime::max() - time ? time + step : SystemTime::max();
}

Duration Backoff(uint32_t times, Duration first, Duration most) {
  Duration wait = std::min(first, most);
  for (uint32_t i = 1; i < times && wait > Duration(0) && wait < most; ++i) {
    wait = wait < most - wait ? wait * 2 : most;
  }
  return wait;
}

DeliveryDecision DecideDelivery(const Job& job, uint32_t max_crashes, SystemTime now) {
  // Who reads an earlier time than the record has is behind: others would wait for that.
  now = std::max({now, job.created, job.started});
  // Whether a running job has lost its worker is the sweeper's to find out.
  if (job.state != JobState::kPending) return {DeliveryAction::kDrop};
  if (job.crashes >= max_crashes) {
    return {.action = DeliveryAction::kFail,
            .reason = fmt::format("{} workers died while they ran it", job.crashes)};
  }
  if (TooOld(job, std::max(now, job.not_before))) {
    return {.action = DeliveryAction::kFail, .reason = TooOldReason(job)};
  }
  if (job.not_before > now) {
    return {.action = DeliveryAction::kWait, .wait = job.not_before - now};
  }
  return {DeliveryAction::kRun};
}

Job Started(const Job& job, std::string_view worker, SystemTime now, Duration lease) {
  Job next = job;
  next.state = JobState::kProcessing;
  ++next.attempt;
  next.worker = worker;
  next.started = now;
  next.due = Later(now, lease);
  next.progress.clear();
  return next;
}

Job Failed(const Job& job, std::string reason, SystemTime now, Duration retention) {
  Job next = Finished(job, JobState::kFailed, now, retention);
  if (!next.outcome) {
    next.outcome = Outcome{.ending = Ending::kException, .error = EngineError(reason)};
  }
  next.dead_letter = std::move(reason);
  return next;
}

Job Cancelled(const Job& job, SystemTime now, Duration retention) {
  Job next = Finished(job, JobState::kCancelled, now, retention);
  next.outcome = Outcome{.ending = Ending::kCancelled,
                         .error = FunctionError{.type = std::string(ToString(Ending::kCancelled)),
                                                .message = job.state == JobState::kProcessing
                                                               ? "cancelled while it ran"
                                                               : "cancelled before it could run"}};
  return next;
}

Job Ended(const Job& running, const Result<Outcome>& outcome, const StoredResult& result,
          SystemTime now, Duration retention) {
  if (!outcome.ok()) {
    if (outcome.status().code() == absl::StatusCode::kCancelled ||
        outcome.status().code() == absl::StatusCode::kDeadlineExceeded) {
      return GivenBack(running, now);
    }
    return AfterEngineError(running, outcome.status(), now, retention);
  }
  // Nobody cancels a function but the engine, when it is about to end.
  if (outcome->ending == Ending::kCancelled) return GivenBack(running, now);
  Job next = running;
  next.outcome = *outcome;
  next.result_key = result.key;
  next.result_size = result.key.empty() ? outcome->result.size() : result.size;
  if (!result.key.empty()) next.outcome->result.clear();
  next.files_key = result.files_key;
  next.files = result.files;
  if (outcome->ending != Ending::kReturned) return AfterFailure(next, now, retention);
  return Finished(next, JobState::kSuccess, now, retention);
}

Job GivenBack(const Job& running, SystemTime now) {
  Job next = Pending(running, now);
  ++next.lost;
  return next;
}

DueDecision DecideDue(const Job& job, SystemTime now) {
  if (IsTerminal(job.state)) return {.expired = true};
  if (job.state == JobState::kProcessing) {
    DueDecision decision{.next = GivenBack(job, now)};
    ++decision.next.crashes;
    return decision;
  }
  // It was sent, probably, and has to wait its turn: ask ever more rarely.
  const Duration waited = now - std::min(now, std::max(job.created, job.not_before));
  Job next = job;
  next.due = Later(now, std::clamp<Duration>(waited * 4, kPendingGrace, kMaxPendingGrace));
  return {.next = std::move(next)};
}

}  // namespace nanogrid
