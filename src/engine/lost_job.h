// Jobs that have a message but no record: other programs sent them, or a store lost them.
#pragma once

#include "engine/job_message.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// Records the job that the message tells of. `sent`: when the message was sent.
// FailedPrecondition: it must not be run, the message says why; any other error may pass.
Status RecordLostJob(const Context& context, const WorkerParts& parts, const JobNotice& notice,
                     SystemTime sent);

}  // namespace nanogrid
