// What a worker does with one message: everything from its delivery to its acknowledgement.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "engine/job_batches.h"
#include "engine/job_files.h"
#include "engine/job_life.h"
#include "engine/job_message.h"
#include "engine/worker_leases.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// Thread-safe.
class WorkerJobs {
 public:
  // `parts` outlive this object. `worker`: its name in job records.
  WorkerJobs(const WorkerParts& parts, std::string worker, std::string events_end);

  // From now on the message is kept, until Handle has returned.
  void Hold(const Delivery& delivery) { leases_.Hold(delivery.receipt); }
  // Runs the job, if that is what is to be done. Whatever goes wrong, the job is not lost.
  void Handle(const Delivery& delivery);

  // Instead of Handle: for others, at once.
  void GiveBack(std::span<const Delivery> deliveries);

  // Everything that runs is killed and goes back, and nothing is begun any more.
  void StopAll();
  uint64_t finished() const { return finished_; }

 private:
  // What becomes of the message.
  struct Next {
    enum class Kind {
      kAck,
      kGiveBack,  // after `wait`
      kLeave,     // it comes again when its lease is over
      kAgain,     // the job has changed: look at it again
    };
    Kind kind = Kind::kAck;
    Duration wait{};
  };

  Next Decide(const JobNotice& notice, const Delivery& delivery);
  Next Drop(const Job& job);
  Next Fail(const Job& job, std::string reason);
  Next Run(const Job& job, const Receipt& receipt);
  // There is no record of it.
  Next Record(const JobNotice& notice, const Delivery& delivery);
  // kAck, as soon as the dead letter is sent.
  Next Bury(const Message& dead_letter);
  Next AfterOther(const Job& job, const JobLease& attempt);
  // Records that the attempt begins. None: it does not.
  std::optional<Job> Claim(const Job& job, const Job& next, Next& otherwise);
  Result<Outcome> Invoke(const Job& running, HeldAttempt& attempt, JobFiles& files);
  // Records how the attempt ended.
  Next End(const Job& running, HeldAttempt& attempt, Result<Outcome> outcome,
           const JobFiles& files);
  Next RecordEnd(const Job& running, HeldAttempt& attempt, Job next);
  // The job has another attempt before it, and its message is gone.
  void SendAgain(const std::string& job_id);
  void SendMessage(const Job& job);
  Next AfterLoss(const Job& running, const Job& mine);
  LogWriter::Store StoreFor(const Job& running);
  void ReturnMessages(std::span<const Receipt> receipts, Duration wait);
  Context ShortCall() const;

  const WorkerParts& parts_;
  const std::string worker_;
  std::stop_source stop_;
  std::atomic<uint64_t> finished_ = 0;
  JobBatches<Receipt> acks_;
  WorkerLeases leases_;  // last: its threads use the rest
};

}  // namespace nanogrid
