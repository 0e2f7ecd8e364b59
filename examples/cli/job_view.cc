#include "job_view.h"

#include <fmt/format.h>
#include <nanogrid/records_json.h>
#include <nanogrid/settings.h>

#include <algorithm>

namespace {

using nanogrid::Job;
using nanogrid::JobState;
using nanogrid::SystemTime;

// What it does, or why it ended.
std::string Remark(const Job& job) {
  if (!nanogrid::IsTerminal(job.state)) return job.progress;
  if (!job.outcome || job.state == JobState::kSuccess) return "";
  const nanogrid::Outcome& outcome = *job.outcome;
  return outcome.error ? outcome.error->type + ": " + outcome.error->message
                       : std::string(nanogrid::ToString(outcome.ending));
}

std::string RunTime(const Job& job, SystemTime now) {
  if (job.started == SystemTime{} || job.state == JobState::kPending) return "";
  const SystemTime end = job.finished != SystemTime{} ? job.finished : now;
  return ShortDuration(std::max<nanogrid::Duration>(end - job.started, {}));
}

}  // namespace

Color ColorOf(JobState state) {
  switch (state) {
    case JobState::kSuccess:
      return Color::kGreen;
    case JobState::kFailed:
      return Color::kRed;
    case JobState::kProcessing:
      return Color::kYellow;
    default:
      return Color::kDim;
  }
}

std::string ShortDuration(nanogrid::Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} d", seconds / 86400);
}

Table JobTable(std::span<const Job> jobs, SystemTime now) {
  constexpr size_t kStatusColumn = 2;
  Table table({"JOB", "FUNCTION", "STATUS", "AGE", "RAN", "TRY", ""});
  for (const Job& job : jobs) {
    table.Add({job.id, fmt::format("{}:{}", job.function, job.version),
               std::string(nanogrid::ToString(job.state)),
               ShortDuration(std::max<nanogrid::Duration>(now - job.created, {})),
               RunTime(job, now), job.attempt == 0 ? "" : std::to_string(job.attempt), Remark(job)},
              kStatusColumn, ColorOf(job.state));
  }
  return table;
}

std::string JobDetails(const Job& job, const Output& output) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text += fmt::format("{:<12} {}\n", name, EscapeForTerminal(value));
  };
  const auto time = [](SystemTime at) {
    return at == SystemTime{} ? std::string() : nanogrid::FormatTime(at);
  };
  line("job", job.id);
  line("function", fmt::format("{}:{}", job.function, job.version));
  text += fmt::format("{:<12} {}\n", "status",
                      output.Paint(ColorOf(job.state), nanogrid::ToString(job.state)));
  line("attempt", fmt::format("{} of {}", job.attempt - job.lost, job.retry.max_attempts));
  if (job.lost > 0) {
    line("lost", fmt::format("{} attempts, handed back or by a worker that died", job.lost));
  }
  line("worker", job.worker);
  line("tenant", job.tenant);
  line("retry of", job.retry_of);
  line("created", time(job.created));
  if (job.state == JobState::kPending) line("not before", time(job.not_before));
  line("started", time(job.started));
  line("finished", time(job.finished));
  if (nanogrid::IsTerminal(job.state)) line("expires", time(job.due));
  line("progress", job.progress);
  line("gave up", job.dead_letter);
  if (job.outcome) {
    line("ending", nanogrid::ToString(job.outcome->ending));
    if (job.outcome->error) {
      line("error", job.outcome->error->type + ": " + job.outcome->error->message);
    }
    line("usage", UsageLine(*job.outcome));
    const std::string& isolation = job.outcome->isolation;
    if (isolation.find("network=host") != std::string::npos) {
      text += fmt::format("{:<12} {}\n", "isolation",
                          output.Paint(Color::kRed, EscapeForTerminal(isolation)));
    } else {
      line("isolation", isolation);
    }
  }
  if (job.state == JobState::kSuccess) line("result", nanogrid::FormatSize(job.result_size));
  if (job.files > 0) line("files", std::to_string(job.files));
  return text;
}

std::string EventLine(const nanogrid::JobEvent& event, const Output& output) {
  const std::string time = nanogrid::FormatTime(event.time).substr(11, 12);
  std::string line = fmt::format(
      "{}  {}  {}  {}", time, event.job_id,
      output.Paint(ColorOf(event.state), fmt::format("{:<10}", nanogrid::ToString(event.state))),
      EscapeForTerminal(event.function));
  if (event.attempt > 1) line += fmt::format("  try {}", event.attempt);
  if (!event.progress.empty() && event.state == JobState::kProcessing) {
    line += "  " + EscapeForTerminal(event.progress);
  }
  return line + "\n";
}
