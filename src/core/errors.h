// Makes errors with formatted messages, and passes them up.
#pragma once

#include <fmt/core.h>

#include <string>
#include <system_error>

#include "nanogrid/status.h"

namespace nanogrid {

template <typename... Args>
Status MakeError(absl::StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Status InvalidArgument(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kInvalidArgument, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status Internal(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kInternal, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status NotFound(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kNotFound, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status FailedPrecondition(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kFailedPrecondition, format, std::forward<Args>(args)...);
}
template <typename... Args>
Status Unavailable(fmt::format_string<Args...> format, Args&&... args) {
  return MakeError(absl::StatusCode::kUnavailable, format, std::forward<Args>(args)...);
}

// "what: No such file or directory (errno 2)", with the code that fits the errno.
Status ErrnoError(int error, const std::string& what);

}  // namespace nanogrid

// Returns the error of `expression` (a Status) from the calling function.
#define NANOGRID_RETURN_IF_ERROR(expression)                                      \
  do {                                                                            \
    if (::nanogrid::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define NANOGRID_CONCAT_INNER_(a, b) a##b
#define NANOGRID_CONCAT_(a, b) NANOGRID_CONCAT_INNER_(a, b)
// NANOGRID_ASSIGN_OR_RETURN(auto value, MakeValue()): the value, or returns the error.
#define NANOGRID_ASSIGN_OR_RETURN(target, expression) \
  NANOGRID_ASSIGN_OR_RETURN_(NANOGRID_CONCAT_(result_, __LINE__), target, expression)
#define NANOGRID_ASSIGN_OR_RETURN_(result, target, expression) \
  auto result = (expression);                                  \
  if (!result.ok()) return std::move(result).status();         \
  target = *std::move(result)
