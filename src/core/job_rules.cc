#include "core/job_rules.h"

#include <algorithm>
#include <charconv>

#include "core/errors.h"
#include "core/json.h"
#include "core/names.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxIdempotencyKey = 256;
constexpr size_t kMaxWorker = 256;
constexpr size_t kMaxProgress = 4 << 10;
constexpr size_t kMaxDeadLetter = 4 << 10;
constexpr size_t kMaxErrorType = 256;
constexpr size_t kMaxErrorMessage = 8 << 10;
constexpr size_t kMaxErrorStack = 32 << 10;
constexpr size_t kMaxRefused = 20;
constexpr size_t kMaxRefusedPath = 256;
constexpr uint32_t kMaxAttempts = 1000;
constexpr Duration kMaxWait = std::chrono::hours(24 * 365 * 10);

bool IsJobId(std::string_view id) {
  if (id.size() != 36) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');
    if (dash ? id[i] != '-' : !hex) return false;
  }
  return true;
}

Status CheckText(std::string_view field, std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return InvalidArgument("{} of {} bytes: must be at most {}", field, text.size(), max_bytes);
  }
  if (!IsUtf8(text) || text.find('\0') != std::string_view::npos) {
    return InvalidArgument("{}: must be UTF-8 without NUL", field);
  }
  return absl::OkStatus();
}

// A payload is inline or in an object, and inline ones are small.
Status CheckPayload(std::string_view field, std::string_view bytes, std::string_view key) {
  if (bytes.size() > JobStore::kMaxInline) {
    return InvalidArgument("{} of {} bytes: more than {} must be in an object, named by {}_key",
                           field, bytes.size(), JobStore::kMaxInline, field);
  }
  if (key.empty()) return absl::OkStatus();
  if (!bytes.empty()) return InvalidArgument("{0} and {0}_key: only one of them may be set", field);
  return CheckObjectKey(key);
}

Status CheckDuration(std::string_view field, Duration value, Duration least) {
  if (value >= least && value <= kMaxWait) return absl::OkStatus();
  return InvalidArgument("{} {} ms: must be {} ms to 10 years", field,
                         std::chrono::floor<std::chrono::milliseconds>(value).count(),
                         std::chrono::floor<std::chrono::milliseconds>(least).count());
}

Status CheckRetry(const RetryPolicy& retry) {
  if (retry.max_attempts < 1 || retry.max_attempts > kMaxAttempts) {
    return InvalidArgument("retry.max_attempts {}: must be 1 to {}", retry.max_attempts,
                           kMaxAttempts);
  }
  NANOGRID_RETURN_IF_ERROR(CheckDuration("retry.backoff", retry.backoff, Duration(0)));
  NANOGRID_RETURN_IF_ERROR(CheckDuration("retry.max_backoff", retry.max_backoff, Duration(0)));
  return CheckDuration("retry.max_age", retry.max_age, std::chrono::milliseconds(1));
}

bool MayBecome(JobState from, JobState to) {
  // Who never started cannot succeed; everything else is possible for a job that has not ended.
  return from == JobState::kProcessing || (from == JobState::kPending && to != JobState::kSuccess);
}

Status CheckCounters(const Job& stored, const Job& next) {
  const bool running = next.state == JobState::kProcessing;
  // Running again, as another attempt, without having been PENDING: its worker went away.
  const bool may_start = running;
  const bool must_start = running && stored.state == JobState::kPending;
  const bool started = next.attempt == stored.attempt + 1;
  if (next.attempt != stored.attempt && !(started && may_start)) {
    return FailedPrecondition("job '{}': attempt {} cannot follow {} when it becomes {}", next.id,
                              next.attempt, stored.attempt, ToString(next.state));
  }
  if (must_start && !started) {
    return FailedPrecondition("job '{}': a start must count attempt {} up", next.id,
                              stored.attempt);
  }
  if (next.crashes < stored.crashes || next.crashes > next.lost) {
    return FailedPrecondition("job '{}': crashes {} must be at least {} and at most lost {}",
                              next.id, next.crashes, stored.crashes, next.lost);
  }
  if (next.lost < stored.lost || next.lost > next.attempt) {
    return FailedPrecondition("job '{}': lost {} must be at least {} and at most attempt {}",
                              next.id, next.lost, stored.lost, next.attempt);
  }
  return absl::OkStatus();
}

Status CheckFields(const Job& next) {
  NANOGRID_RETURN_IF_ERROR(CheckText("worker", next.worker, kMaxWorker));
  NANOGRID_RETURN_IF_ERROR(CheckText("progress", next.progress, kMaxProgress));
  if (!next.progress.empty()) {
    if (Status status = CheckJson(next.progress); !status.ok()) {
      return InvalidArgument("progress: {}", std::string(status.message()));
    }
  }
  NANOGRID_RETURN_IF_ERROR(CheckText("dead_letter", next.dead_letter, kMaxDeadLetter));
  if (!next.dead_letter.empty() && next.state != JobState::kFailed) {
    return InvalidArgument("dead_letter: only a FAILED job has one, this is {}",
                           ToString(next.state));
  }
  const std::string_view result = next.outcome ? next.outcome->result : std::string_view();
  NANOGRID_RETURN_IF_ERROR(CheckPayload("result", result, next.result_key));
  if (next.files_key.empty() != (next.files == 0)) {
    return InvalidArgument("files {}: files_key is set if there are some, and only then",
                           next.files);
  }
  if (!next.files_key.empty()) NANOGRID_RETURN_IF_ERROR(CheckObjectKey(next.files_key + "x"));
  if (next.state != JobState::kSuccess) return absl::OkStatus();
  if (!next.outcome || next.outcome->ending != Ending::kReturned) {
    return InvalidArgument("outcome: a SUCCESS has returned");
  }
  return absl::OkStatus();
}

// At most max_bytes, whole characters.
void Cut(std::string& text, size_t max_bytes) {
  if (text.size() <= max_bytes) return;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xc0) == 0x80) --max_bytes;
  text.resize(max_bytes);
}

// The files themselves are objects; of those refused a few are examples enough.
void CutFiles(Outcome& outcome) {
  outcome.files.clear();
  std::vector<OutputFile>& refused = outcome.refused_files;
  if (refused.size() > kMaxRefused) refused.resize(kMaxRefused);
  for (OutputFile& file : refused) Cut(file.path, kMaxRefusedPath);
}

template <typename Number>
std::optional<Number> ParseDecimal(std::string_view text) {
  Number number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (text.empty() || error != std::errc() || end != last) return std::nullopt;
  return number;
}

std::string CursorPrefix(const JobFilter& filter) {
  return fmt::format("{}/{}/", filter.function, filter.state ? ToString(*filter.state) : "");
}

}  // namespace

bool IsTerminal(JobState state) {
  return state == JobState::kSuccess || state == JobState::kFailed || state == JobState::kCancelled;
}

Status CheckNewJob(const Job& job) {
  if (!IsJobId(job.id)) {
    return InvalidArgument("id '{}': must be a UUID in lower case", job.id.substr(0, 64));
  }
  NANOGRID_RETURN_IF_ERROR(CheckFunctionName(job.function));
  if (job.version == 0) return InvalidArgument("version 0: must be 1 or more");
  NANOGRID_RETURN_IF_ERROR(CheckPayload("event", job.event, job.event_key));
  NANOGRID_RETURN_IF_ERROR(CheckText("idempotency_key", job.idempotency_key, kMaxIdempotencyKey));
  NANOGRID_RETURN_IF_ERROR(CheckTenant(job.tenant));
  NANOGRID_RETURN_IF_ERROR(CheckRetry(job.retry));
  if (!job.retry_of.empty() && !IsJobId(job.retry_of)) {
    return InvalidArgument("retry_of '{}': must be a UUID in lower case",
                           job.retry_of.substr(0, 64));
  }
  if (job.state != JobState::kPending || job.attempt != 0 || job.lost != 0 || job.crashes != 0) {
    return InvalidArgument("a new job is PENDING and was never started; this is {}, attempt {}",
                           ToString(job.state), job.attempt);
  }
  return CheckFields(job);
}

Status CheckTransition(const Job& stored, const Job& next) {
  if (next.id != stored.id) {
    return InvalidArgument("id '{}': the job to change is '{}'", next.id.substr(0, 64), stored.id);
  }
  if (!MayBecome(stored.state, next.state)) {
    return FailedPrecondition("job '{}': {} cannot become {}", stored.id, ToString(stored.state),
                              ToString(next.state));
  }
  NANOGRID_RETURN_IF_ERROR(CheckCounters(stored, next));
  return CheckFields(next);
}

bool SameRequest(const Job& a, const Job& b) {
  return a.function == b.function && a.version == b.version && a.event == b.event &&
         a.event_key == b.event_key && a.tenant == b.tenant && a.retry == b.retry;
}

Job NewJob(const Job& asked, SystemTime now) {
  Job job = asked;
  job.revision = 1;
  if (job.created == SystemTime()) job.created = now;
  return job;
}

Result<Job> AnswerExisting(const Job& existing, const Job& asked) {
  if (SameRequest(existing, asked)) return existing;
  if (existing.id == asked.id) {
    return MakeError(absl::StatusCode::kAlreadyExists,
                     "job '{}' exists and asks for something else", asked.id);
  }
  return MakeError(absl::StatusCode::kAlreadyExists,
                   "idempotency_key '{}' of function '{}' was used for another request, job '{}'",
                   asked.idempotency_key, asked.function, existing.id);
}

Status CheckExpected(const Job& stored, const JobLease& expected, JobState expected_state) {
  if (stored.state == expected_state && stored.attempt == expected.attempt) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kAborted, "job '{}' is {}, attempt {}, not {}, attempt {}",
                   stored.id, ToString(stored.state), stored.attempt, ToString(expected_state),
                   expected.attempt);
}

Job ChangedJob(const Job& stored, const Job& next) {
  Job job = stored;
  job.state = next.state;
  job.attempt = next.attempt;
  job.lost = next.lost;
  job.crashes = next.crashes;
  job.revision = stored.revision + 1;
  job.worker = next.worker;
  job.not_before = next.not_before;
  job.started = next.started;
  job.finished = next.finished;
  job.due = next.due;
  job.progress = next.progress;
  job.outcome = next.outcome;
  job.result_key = next.result_key;
  job.result_size = next.result_size;
  job.files = next.files;
  job.files_key = next.files_key;
  job.dead_letter = next.dead_letter;
  if (job.outcome) CutFiles(*job.outcome);
  if (job.outcome && job.outcome->error) {
    Cut(job.outcome->error->type, kMaxErrorType);
    Cut(job.outcome->error->message, kMaxErrorMessage);
    Cut(job.outcome->error->stack, kMaxErrorStack);
  }
  return job;
}

JobEvent EventOf(const Job& job, SystemTime now) {
  return {.job_id = job.id,
          .function = job.function,
          .revision = job.revision,
          .state = job.state,
          .attempt = job.attempt,
          .time = now,
          .progress = job.progress};
}

Status LeaseLost(const JobLease& lease) {
  return MakeError(absl::StatusCode::kAborted, "job '{}': attempt {} is not running", lease.id,
                   lease.attempt);
}

Status NoSuchJob(std::string_view id) {
  return NotFound("job '{}' does not exist", id.substr(0, 64));
}

Status NotTerminal(const Job& job) {
  return FailedPrecondition("job '{}' is {}: only a job that has ended can be removed", job.id,
                            ToString(job.state));
}

std::string MakeJobCursor(const JobFilter& filter, uint64_t last) {
  return MakeCursor(fmt::format("{}{}", CursorPrefix(filter), last));
}

Result<std::optional<uint64_t>> ReadJobCursor(std::string_view cursor, const JobFilter& filter) {
  const std::string prefix = CursorPrefix(filter);
  NANOGRID_ASSIGN_OR_RETURN(const auto last, ReadCursor(cursor, prefix));
  if (!last) return std::nullopt;
  const auto number = ParseDecimal<uint64_t>(std::string_view(*last).substr(prefix.size()));
  if (!number) {
    return InvalidArgument("cursor '{}': not one of this listing", cursor.substr(0, 128));
  }
  return number;
}

Result<uint64_t> ReadEventCursor(std::string_view cursor) {
  if (cursor.empty()) return 0;
  const auto number = ParseDecimal<uint64_t>(cursor);
  if (number && *number <= static_cast<uint64_t>(INT64_MAX)) return *number;
  return InvalidArgument("cursor '{}': not one of these events", cursor.substr(0, 64));
}

}  // namespace nanogrid
