// What all job stores share beyond the public rules of job_store.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nanogrid/job_store.h"

namespace nanogrid {

inline constexpr size_t kJobStates = 5;

// `asked` as it is stored: revision 1, created now unless it says when.
Job NewJob(const Job& asked, SystemTime now);
// `existing` if it was asked for the same, AlreadyExists if not.
Result<Job> AnswerExisting(const Job& existing, const Job& asked);

// The checks of JobStore::Transition once the job was found.
Status CheckExpected(const Job& stored, const JobLease& expected, JobState expected_state);
// `stored` with what may change taken from `next`. Texts of an error are cut to what a record
// holds.
Job ChangedJob(const Job& stored, const Job& next);
// What happened when `job` became as it is.
JobEvent EventOf(const Job& job, SystemTime now);
Status LeaseLost(const JobLease& lease);
Status NoSuchJob(std::string_view id);
Status NotTerminal(const Job& job);

// Cursors of List: the number of the page's last job; only for the same filter.
std::string MakeJobCursor(const JobFilter& filter, uint64_t last);
Result<std::optional<uint64_t>> ReadJobCursor(std::string_view cursor, const JobFilter& filter);
// Cursors of Events: the decimal number of the last event; empty is 0.
Result<uint64_t> ReadEventCursor(std::string_view cursor);

}  // namespace nanogrid
