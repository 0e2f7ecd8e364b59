#include "engine/service_time.h"

#include <algorithm>

#include "core/errors.h"

namespace nanogrid {
namespace {

constexpr size_t kBatch = 1000;
constexpr size_t kMaxStarted = 10'000;

}  // namespace

Status ServiceTime::Update(const Context& context, JobStore& jobs) {
  if (cursor_.empty()) {
    NANOGRID_ASSIGN_OR_RETURN(cursor_, jobs.EventsEnd(context));
    return absl::OkStatus();
  }
  // Looks without waiting (JobStore::Events).
  NANOGRID_ASSIGN_OR_RETURN(
      const std::vector<JobEvent> events,
      jobs.Events({.deadline = TimePoint(), .stop = context.stop}, "", cursor_, kBatch));
  for (const JobEvent& event : events) LookAt(event);
  if (!events.empty()) cursor_ = events.back().cursor;
  // There is more than is needed for a mean: the rest is skipped.
  if (events.size() == kBatch) {
    NANOGRID_ASSIGN_OR_RETURN(cursor_, jobs.EventsEnd(context));
  }
  return absl::OkStatus();
}

void ServiceTime::LookAt(const JobEvent& event) {
  if (event.state == JobState::kProcessing) {
    if (started_.size() >= kMaxStarted) started_.clear();
    started_.emplace(event.job_id, event.time);  // progress is no start
    return;
  }
  const auto started = started_.find(event.job_id);
  if (started == started_.end()) return;
  if (IsTerminal(event.state)) {
    const Duration took = std::max<Duration>(event.time - started->second, Duration(1));
    mean_ = mean_ == Duration(0) ? took : (mean_ * 15 + took) / 16;
  }
  started_.erase(started);
}

}  // namespace nanogrid
