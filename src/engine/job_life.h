// What becomes of a job: every decision of controllers and workers, pure.
#pragma once

#include <string>

#include "nanogrid/job_store.h"

namespace nanogrid {

// How long a PENDING job's message may be on its way before the sweeper sends another one.
inline constexpr Duration kPendingGrace = std::chrono::seconds(30);

// `time` + `duration`, at most the end of time; `duration` is not negative.
SystemTime Later(SystemTime time, Duration duration);

// What a worker does with a message about `job`.
enum class DeliveryAction {
  kRun,   // begin the next attempt
  kDrop,  // somebody runs it, or it has ended: the message has done its work
  kWait,  // give it back for `wait`
  kFail,  // it must not be tried again: `reason`
};
struct DeliveryDecision {
  DeliveryAction action = DeliveryAction::kRun;
  Duration wait{};
  std::string reason{};
};
DeliveryDecision DecideDelivery(const Job& job, uint32_t max_crashes, SystemTime now);

// The PENDING job as its next attempt begins.
Job Started(const Job& job, std::string_view worker, SystemTime now, Duration lease);
// A dead letter without another attempt. The outcome of the latest attempt stays, if there is one.
Job Failed(const Job& job, std::string reason, SystemTime now, Duration retention);
// Whether it was running or not.
Job Cancelled(const Job& job, SystemTime now, Duration retention);

// Where the result of an attempt is, if it is not in its outcome, and where its files are.
struct StoredResult {
  std::string key{};
  uint64_t size = 0;
  std::string files_key{};
  uint32_t files = 0;
};
// What follows the end of the attempt that `running` is in: SUCCESS; FAILED; PENDING with a
// not_before after a failure with attempts left, or after what is not the function's fault, which
// does not count as one (`lost`).
Job Ended(const Job& running, const Result<Outcome>& outcome, const StoredResult& result,
          SystemTime now, Duration retention);
// The attempt never was: back at once.
Job GivenBack(const Job& running, SystemTime now);

// What the sweeper does with a job that is due.
struct DueDecision {
  bool expired = false;  // terminal: remove it. Else: it becomes `next`, and its message is sent
  Job next{};
};
DueDecision DecideDue(const Job& job, SystemTime now);

// `first`, doubled for every time but the first, at most `most`. `times` >= 1.
Duration Backoff(uint32_t times, Duration first, Duration most);

}  // namespace nanogrid
