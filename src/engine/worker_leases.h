// What a worker holds, and how it keeps it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/log_writer.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// An attempt at a job that this worker makes. Thread-safe.
struct HeldAttempt {
  HeldAttempt(JobLease name, Receipt message, LogWriter::Store store)
      : lease(std::move(name)),
        receipt(std::move(message)),
        log(std::move(store), lost.get_token()) {}

  // It is somebody else's, or the job has ended: the function is killed, nothing may be written.
  void Lose() {
    lost.request_stop();
    stop.request_stop();
  }

  const JobLease lease;
  const Receipt receipt;  // of the message that brought it
  std::stop_source lost;
  std::stop_source stop;  // kills the function; what follows may be written
  LogWriter log;
};

// Three threads: one extends leases, one looks for jobs that were cancelled or taken over, one
// stores logs. Thread-safe.
class WorkerLeases {
 public:
  // `parts` outlive this object.
  WorkerLeases(const WorkerParts& parts, std::string events_end);

  void Hold(const Receipt& receipt);
  // False: it was acknowledged meanwhile, because its job takes so long.
  bool Release(const Receipt& receipt);
  bool IsHeld(const Receipt& receipt);

  // From before the attempt is recorded, so that no event is missed. False: this worker makes it
  // already, for another message; nothing begins.
  bool Begin(const std::shared_ptr<HeldAttempt>& attempt);
  // Waits until it is known whether an attempt that has begun was recorded. False: there is none.
  bool AwaitRecorded(const JobLease& lease);
  // It was recorded, with a lease from `now` on, which is kept. The message may be done without.
  void Keep(const std::shared_ptr<HeldAttempt>& attempt, TimePoint now);
  void End(const std::shared_ptr<HeldAttempt>& attempt);

  // Stops all attempts, and those that begin later.
  void StopAll();

 private:
  struct Kept {
    std::shared_ptr<HeldAttempt> attempt;
    TimePoint until;  // the lease's end as far as is known; min(): not recorded yet
  };

  void KeepLeases(const std::stop_token& stop);
  // Answers when it has to be called again.
  TimePoint ExtendJobs(TimePoint now);
  TimePoint ExtendMessages(TimePoint now);
  void ReleaseLongHeld(TimePoint now);
  void KeepUntil(const HeldAttempt& attempt, TimePoint until);
  // Of this attempt; null: there is none.
  const Kept* Find(const JobLease& lease) const;
  void FollowEvents(const std::stop_token& stop);
  void LookAt(const JobEvent& event);
  void FlushLogs(const std::stop_token& stop);

  const WorkerParts& parts_;
  std::string cursor_;
  std::mutex mutex_;
  std::condition_variable_any begun_;
  std::condition_variable_any recorded_;  // or it never will be
  // With the time since when the job of each is on record; max(): it is not.
  std::unordered_map<Receipt, TimePoint> receipts_;
  std::unordered_multimap<std::string, Kept> attempts_;  // by job id
  bool stopped_ = false;
  std::jthread keeper_, follower_, flusher_;  // last: use the rest
};

}  // namespace nanogrid
