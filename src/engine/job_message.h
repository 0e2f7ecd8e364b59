// What is in a queue message about a job.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"

namespace nanogrid {

// {"job_id": "…", "function_id": "…", "code": "…"}; code is the number of the version. Delayed
// until the job's not_before, as far as queues can.
Message JobMessage(const Job& job, SystemTime now);

// The job's id. InvalidArgument if the body is no such object; other members are ignored.
Result<std::string> ReadJobMessage(std::string_view body);

}  // namespace nanogrid
