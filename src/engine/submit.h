// From what a caller wants to a new job.
#pragma once

#include "nanogrid/controller.h"

namespace nanogrid {

// The job, checked, its large event stored; everything but Create. `version`: what the qualifier
// means.
Result<Job> PrepareJob(const Context& context, const SubmitRequest& request,
                       const FunctionVersion& version, ObjectStore& objects, SystemTime now);

// As JobStore::Create. A key that was used for the same request, before its qualifier came to mean
// another version, answers the job of then. What was stored for a job that is not made is removed.
Result<Job> CreateJob(const Context& context, const Job& job, const SubmitRequest& request,
                      JobStore& jobs, ObjectStore& objects);

// Before anything is looked up. InvalidArgument names the field.
Status CheckSubmit(const SubmitRequest& request, const ControllerOptions& options);

// `job`, to be made again.
Result<Job> RepeatedJob(const Context& context, const Job& job, ObjectStore& objects,
                        SystemTime now);

}  // namespace nanogrid
