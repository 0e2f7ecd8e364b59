// Jobs: the durable records of invocations, what happened to them, and what they printed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/job.h"
#include "nanogrid/retry_policy.h"

namespace nanogrid {

// PENDING → PROCESSING → SUCCESS | FAILED | CANCELLED; back to PENDING for another attempt. A
// terminal state never changes.
struct Job {
  // What was asked for; never changes.
  std::string id{};  // UUID, lower case
  std::string function{};
  uint64_t version = 0;           // the one that was meant when it was submitted
  std::string event{};            // the input; empty if event_key is set
  std::string event_key{};        // of the object that holds a large input
  std::string idempotency_key{};  // at most 256 bytes; empty: none
  std::string tenant{};           // whose job it is, for functions that keep tenants apart
  RetryPolicy retry{};
  std::string retry_of{};  // id of the failed job that this one repeats
  SystemTime created{};

  JobState state = JobState::kPending;
  uint32_t attempt = 0;   // how often it was started; fences: only the latest attempt may write
  uint32_t lost = 0;      // attempts that are not the function's: given back, or a worker died
  uint32_t crashes = 0;   // of them those whose worker died: perhaps of this job
  uint32_t revision = 0;  // counts changes; the store's
  std::string worker{};   // who runs it or ran it last
  // PENDING: no attempt begins before.
  SystemTime not_before{};
  SystemTime started{};   // of the latest attempt
  SystemTime finished{};  // terminal
  // When somebody must look at it if nothing has changed. PENDING: was it ever queued? PROCESSING:
  // the attempt's lease ends. Terminal: it expires.
  SystemTime due{};
  std::string progress{};  // JSON value that the function reported last; at most 4 KiB

  // Of the latest attempt that ended; `result` is empty if result_key is set. Long texts of its
  // error are cut when it is stored.
  std::optional<Outcome> outcome{};
  std::string result_key{};  // of the object that holds a large result
  uint64_t result_size = 0;
  uint32_t files = 0;         // result files, in objects below files_key
  std::string files_key{};    // "jobs/ID/files.ATTEMPT/"; empty: none
  std::string dead_letter{};  // FAILED: why it is not tried again
};

bool IsTerminal(JobState state);

// Something that changed a job. `revision` orders a job's events without a gap, from 1 (PENDING).
struct JobEvent {
  std::string cursor{};  // where it is among all events; opaque
  std::string job_id{};
  std::string function{};
  uint32_t revision = 0;
  JobState state = JobState::kPending;
  uint32_t attempt = 0;
  SystemTime time{};
  std::string progress{};  // as the job's

  bool operator==(const JobEvent&) const = default;
};

struct JobFilter {
  std::string function{};           // empty: of any
  std::optional<JobState> state{};  // none: in any
};

struct JobPage {
  std::vector<Job> jobs{};  // newest first; without event and outcome.result
  std::string cursor{};     // empty: that was all
};

struct JobLease {
  std::string id{};
  uint32_t attempt = 0;
};

struct LogChunk {
  std::string bytes{};
  uint64_t next = 0;  // offset behind it
};

// Thread-safe. What was acknowledged is durable (memory: as long as the store).
class JobStore {
 public:
  static constexpr size_t kMaxInline = 64 << 10;  // event and result; larger ones are objects

  virtual ~JobStore() = default;

  // Stores a new PENDING job as revision 1 and answers it. A job of the same id, or of the same
  // function with the same idempotency key, is answered instead if it was asked for the same
  // (version, event, event_key, retry), AlreadyExists if not.
  virtual Result<Job> Create(const Context& context, const Job& job) = 0;
  virtual Result<Job> Get(const Context& context, std::string_view id) = 0;
  // limit 1..1000.
  virtual Result<JobPage> List(const Context& context, const JobFilter& filter,
                               std::string_view cursor = {}, size_t limit = 100) = 0;

  // Replaces what may change (from `state` on) by next's, if the stored (state, attempt) are those
  // of `expected`; Aborted if not, NotFound if there is no such job. Answers it as stored.
  // FailedPrecondition for what CheckTransition refuses.
  virtual Result<Job> Transition(const Context& context, const JobLease& expected,
                                 JobState expected_state, const Job& next) = 0;
  // Moves `due` of running attempts; no event. Answers those that are no longer running.
  virtual Result<std::vector<JobLease>> Extend(const Context& context,
                                               std::span<const JobLease> leases,
                                               SystemTime due) = 0;
  // Jobs with due <= now, those due longest first; without event and outcome.result. limit 1..1000.
  virtual Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) = 0;
  // A terminal job with its events and log; FailedPrecondition if it is not. OK if there is none.
  virtual Status Remove(const Context& context, std::string_view id) = 0;

  // Events after `cursor` (empty: from the oldest there is), in their order; of one job, or of all
  // if `job_id` is empty. Waits until there is one; empty when the context ended (no error). What
  // is there is answered also when the deadline has passed before: that looks without waiting.
  virtual Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                               std::string_view cursor, size_t limit = 100) = 0;
  // The cursor behind everything that has happened so far.
  virtual Result<std::string> EventsEnd(const Context& context) = 0;
  // As Events of all jobs, but perhaps without what does not end an attempt from outside: jobs that
  // were created, started when pending, reported progress or succeeded. Every worker follows it.
  virtual Result<std::vector<JobEvent>> Interruptions(const Context& context,
                                                      std::string_view cursor, size_t limit = 100) {
    return Events(context, "", cursor, limit);
  }

  // Adds to the job's log; Aborted unless this attempt is running.
  virtual Status AppendLog(const Context& context, const JobLease& lease,
                           std::string_view bytes) = 0;
  // At most max_bytes from `offset` on; empty at the end. NotFound if there is no such job.
  virtual Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                                   size_t max_bytes = 1 << 20) = 0;

  // Jobs by state; may lag behind.
  virtual Result<std::vector<uint64_t>> Count(const Context& context) = 0;
};

// Whether a job may become `next`: same id and terminal states kept, attempts counted up by starts
// only, fields within their bounds. FailedPrecondition or InvalidArgument says why not. Every store
// calls it.
Status CheckTransition(const Job& stored, const Job& next);
// Whether `job` may be created: InvalidArgument names the field.
Status CheckNewJob(const Job& job);
// Whether both ask for the same: what an idempotency key must not be used for twice.
bool SameRequest(const Job& a, const Job& b);

}  // namespace nanogrid
