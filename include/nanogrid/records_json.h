// Jobs, events and functions as JSON: the same objects in the HTTP API, in --json output and in
// records. Fields are snake_case; times are RFC 3339 in UTC with milliseconds, durations strings as
// "1m30s" where they are settings and numbers of milliseconds where they were measured.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/function_spec.h"
#include "nanogrid/job_store.h"

namespace nanogrid {

// Without event and result. {"job_id", "function", "version", "status", "attempt", "created",
// "started", "finished", "expires", "ending", "error", "usage", "progress", …}.
std::string JobJson(const Job& job);
std::string EventJson(const JobEvent& event);
// The settings, and "name", "version", "created", "code_digest".
std::string FunctionJson(const FunctionVersion& version);
// {"error": {"code": "INVALID_ARGUMENT", "message": …, "field": … or null}}. The field is what
// the message of an InvalidArgument begins with.
std::string ErrorJson(const Status& error);

// What these made, read back. InvalidArgument if it is nothing of the kind.
Result<Job> ParseJob(std::string_view json);
Result<JobEvent> ParseEvent(std::string_view json);
// {"path", "size"} of a result file.
std::string FileJson(const OutputFile& file);
Result<OutputFile> ParseFile(std::string_view json);
Result<FunctionVersion> ParseFunction(std::string_view json);
// The error in such an object; Unknown with the text itself if it is none.
Status ParseError(std::string_view json);

// RetryPolicy's fields from text, by the names they have in JSON: max_attempts, backoff,
// max_backoff, max_age. InvalidArgument names the setting, the value and what would be right.
Status ApplyRetrySetting(RetryPolicy& retry, std::string_view name, std::string_view value);
Status ApplyRetrySetting(RetryChanges& retry, std::string_view name, std::string_view value);
Status ValidateRetry(const RetryPolicy& retry);

// "PENDING" …; InvalidArgument says which there are.
Result<JobState> ParseJobState(std::string_view text);
Result<Ending> ParseEnding(std::string_view text);

// "2026-02-28T09:30:00.000Z".
std::string FormatTime(SystemTime time);
Result<SystemTime> ParseTime(std::string_view text);

}  // namespace nanogrid
