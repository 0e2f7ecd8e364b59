// The payloads of jobs that are too large for their records.
#pragma once

#include <string>
#include <string_view>

#include "engine/job_life.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Moves an event into the object store if it is large: job.event → job.event_key. The key depends
// on the content, so that equal requests stay equal.
Status StoreLargeEvent(const Context& context, ObjectStore& objects, Job& job);
Result<std::string> LoadEvent(const Context& context, ObjectStore& objects, const Job& job);

// Stores a result if it is large; else key is empty. Every attempt has a key of its own: a stale
// one cannot overwrite what the job's record names.
Result<StoredResult> StoreLargeResult(const Context& context, ObjectStore& objects,
                                      const JobLease& attempt, const Outcome& outcome,
                                      size_t max_inline);

// Everything that was stored for the job.
Status RemoveJobObjects(const Context& context, ObjectStore& objects, const Job& job);

}  // namespace nanogrid
