// Errors of the engine, as absl::Status, and values that may be missing because of one.
//
// Codes are chosen by what the caller does next:
//   Unavailable         try again, nothing happened
//   ResourceExhausted   back off, then try again
//   Aborted             somebody else changed it: read again, then decide
//   InvalidArgument, NotFound, AlreadyExists, FailedPrecondition, PermissionDenied,
//   Unimplemented, OutOfRange, DataLoss, Internal    final
//   Cancelled, DeadlineExceeded                      the caller's own Context ended
// How a *function* ended is never an error: it is data (Outcome, job.h).
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace nanogrid {

using Status = absl::Status;

// A T, or the error that kept it from being made.
template <typename T>
using Result = absl::StatusOr<T>;

}  // namespace nanogrid
