// Parts of records as JSON text, for stores that keep text: exact to the nanosecond and the byte,
// and read by later builds. What people and clients see is nanogrid/records_json.h.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/function_spec.h"
#include "nanogrid/job_store.h"

namespace nanogrid {

// Without the result, which is bytes and may be large.
std::string OutcomeJson(const Outcome& outcome);
Result<Outcome> ParseOutcomeJson(std::string_view json);

// Without the event and the outcome's result, which are bytes and may be large.
std::string StoredJobJson(const Job& job);
Result<Job> ParseStoredJobJson(std::string_view json);

std::string FunctionVersionJson(const FunctionVersion& version);
Result<FunctionVersion> ParseFunctionVersionJson(std::string_view json);

}  // namespace nanogrid
