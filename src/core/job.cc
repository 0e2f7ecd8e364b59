#include "nanogrid/job.h"

namespace nanogrid {
namespace {

class NullLogSink final : public LogSink {
 public:
  void Write(std::string_view) override {}
};

}  // namespace

std::string_view ToString(JobState state) {
  switch (state) {
    case JobState::kPending:
      return "PENDING";
    case JobState::kProcessing:
      return "PROCESSING";
    case JobState::kSuccess:
      return "SUCCESS";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

std::string_view ToString(Ending ending) {
  switch (ending) {
    case Ending::kReturned:
      return "returned";
    case Ending::kException:
      return "exception";
    case Ending::kExited:
      return "exited";
    case Ending::kSignaled:
      return "signaled";
    case Ending::kTimeout:
      return "timeout";
    case Ending::kOutOfMemory:
      return "out_of_memory";
    case Ending::kTooManyProcesses:
      return "too_many_processes";
    case Ending::kOutputLimit:
      return "output_limit";
    case Ending::kViolation:
      return "violation";
    case Ending::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

JobState StateOf(Ending ending) {
  if (ending == Ending::kReturned) return JobState::kSuccess;
  if (ending == Ending::kCancelled) return JobState::kCancelled;
  return JobState::kFailed;
}

std::string_view ToString(StartKind start) { return start == StartKind::kCold ? "cold" : "warm"; }

void LogSink::Progress(std::string_view) {}

LogSink& LogSink::Null() {
  static LogSink& sink = *new NullLogSink;
  return sink;
}

}  // namespace nanogrid
