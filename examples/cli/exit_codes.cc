#include "exit_codes.h"

ExitCode ExitCodeOf(nanogrid::Ending ending) {
  switch (ending) {
    case nanogrid::Ending::kReturned:
      return kExitSuccess;
    case nanogrid::Ending::kTimeout:
      return kExitTimeout;
    case nanogrid::Ending::kCancelled:
      return kExitCancelled;
    default:
      return kExitFunctionFailed;
  }
}

ExitCode ExitCodeOf(const nanogrid::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return kExitUsage;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitTimeout;
    case absl::StatusCode::kCancelled:
      return kExitCancelled;
    default:
      return kExitEngineFailed;
  }
}
