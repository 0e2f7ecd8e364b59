// Answers that take their time: they hold no thread while they wait.
#pragma once

#include <memory>

#include "api/calls.h"
#include "api/task_pool.h"
#include "http/handler.h"

namespace nanogrid {

// Each begins to work on the pool and keeps itself alive until the request has ended. `calls` and
// `pool` outlive them all.
struct StreamParts {
  Calls& calls;
  TaskPool& pool;
  std::shared_ptr<HttpResponder> responder;
};

// Submits, waits for the end, answers the result (or, with ?timeout=, 202 and the job when that is
// over). The client going away does not end the job.
void StartInvocation(const StreamParts& parts, ApiCall call);

// Server-sent events of one job, until it has ended, or of all.
void StartEventStream(const StreamParts& parts, ApiCall call);

// A job's log, as it grows, until the job has ended.
void StartLogStream(const StreamParts& parts, ApiCall call);

}  // namespace nanogrid
