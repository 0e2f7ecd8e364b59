// Jobs as hashes, events as text.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/job_store.h"
#include "redis/resp.h"

namespace nanogrid::redis {

// A job and its number: that of its first event.
struct StoredJob {
  uint64_t number = 0;
  Job job{};
};

// Out of HGETALL's names and values: with event and result.
Result<StoredJob> ReadJob(Reply& names_and_values);
// Out of the values that ListScript and DueScript answer: without.
Result<StoredJob> ReadListedJob(const Reply& values);

// "REVISION STATUS ATTEMPT MILLISECONDS PROGRESS".
std::string EventText(const JobEvent& event);
Result<JobEvent> ParseEventText(std::string_view text);

}  // namespace nanogrid::redis
