// The worker: takes jobs from a queue and runs them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nanogrid/engine.h"
#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"

namespace nanogrid {

struct WorkerOptions {
  std::string name{};  // in job records; empty: "host-pid-random"
  uint32_t slots = 0;  // jobs at once, 1..1000; 0: as many as the machine has CPUs
  // A worker that is silent for this long has lost its jobs; at least 1 s.
  Duration lease = std::chrono::seconds(10);
  // How long nobody else gets a message that this worker holds; it is kept for longer while the job
  // runs. Zero: as `lease`. Who dies is noticed by the lease of its jobs: this may be longer, which
  // saves calls where they cost something.
  Duration message_lease{};
  // A job that runs for longer than this is kept by its record alone, and its message is
  // acknowledged: queues hold messages for a bounded time (SQS for 12 h), jobs take theirs.
  Duration max_message_hold = std::chrono::hours(11);
  uint32_t max_crashes = 5;  // a job whose workers died so often is a dead letter
  Duration retention = std::chrono::hours(24);  // of finished jobs
  // Larger results are objects rather than in the job's record. Less than JobStore::kMaxInline
  // where results belong into the object store, because that is copied elsewhere: 0 for all.
  size_t max_inline_result = JobStore::kMaxInline;
  // Asked before each job begins, and counted as busy then; may take its time. An error: the job's
  // message goes back, and no more is received until this has agreed again. Null: always.
  std::function<Status(const Context&)> may_begin{};
};

struct WorkerParts {
  std::shared_ptr<Engine> engine{};
  std::shared_ptr<Queue> queue{};
  std::shared_ptr<JobStore> jobs{};
  std::shared_ptr<ObjectStore> objects{};  // large events and results
  // Jobs that failed for good, and messages that mean nothing, are sent here too, at least once.
  // Null: nowhere; the jobs' records tell.
  std::shared_ptr<Queue> dead_letters{};
  // Where the code lies that messages of other programs name. Null: their functions must be known.
  std::shared_ptr<ObjectStore> foreign_code{};
  WorkerOptions options{};
  const Clock* clock = &Clock::System();   // outlives the worker
  Observer* observer = &Observer::None();  // outlives the worker
};

struct WorkerStats {
  uint32_t slots = 0;
  uint32_t busy = 0;
  uint64_t finished = 0;  // attempts, however they ended
};

// Works from construction on: one thread receives, one keeps leases, one per slot runs a job.
// Thread-safe.
class Worker {
 public:
  virtual ~Worker() = default;  // Stop({}), if nobody did

  // Receives no more and waits for running jobs. When the context ends, what still runs is killed
  // and goes back to the queue, as an attempt that never was. Then nothing runs any more.
  virtual void Stop(const Context& context) = 0;
  virtual WorkerStats GetStats() const = 0;
};

// InvalidArgument names the missing or wrong part.
Result<std::unique_ptr<Worker>> MakeWorker(WorkerParts parts);

}  // namespace nanogrid
