// What is in a queue message about a job.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"

namespace nanogrid {

// {"job_id": "…", "function_id": "…", "code": "…", …}; code is the number of the version. The rest
// of what was asked for comes with it, so that a job whose record is lost can be recorded again.
// Delayed until the job's not_before, as far as queues can.
Message JobMessage(const Job& job, SystemTime now);

// What a message tells. Other programs may send the first three members alone, and "event" (any
// JSON value) if the function wants one.
struct JobNotice {
  std::string job_id{};
  std::string function{};  // empty: not told
  std::string code{};      // the number of a version, or what the sender means by it
  Job job{};               // as it was asked for, but for version; never started
};

// InvalidArgument if the body is no such object, or a member is not what it should be; members that
// are not known are ignored.
Result<JobNotice> ReadJobMessage(std::string_view body);

// For the dead-letter queue: the job's message with "reason", "attempts" and "failed_at".
Message DeadLetterMessage(const Job& job);
// A message that means no job: {"reason": "…", "message": "…"}, or "message_base64".
Message DeadLetterMessage(std::string_view body, const Status& why);

}  // namespace nanogrid
