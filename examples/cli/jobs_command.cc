// nanogrid jobs: a list, one of them, or what happens to them.
#include <fmt/format.h>
#include <nanogrid/records_json.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "command.h"
#include "job_view.h"
#include "output.h"
#include "place.h"
#include "stop_signals.h"

namespace {

using nanogrid::Context;
using nanogrid::Controller;
using nanogrid::Job;
using nanogrid::Status;

constexpr size_t kPage = 1000;

struct Options {
  std::string id{};
  std::string function{};
  std::string status{};
  size_t limit = 20;
  bool dead = false;
  bool watch = false;
  bool json = false;
  bool quiet = false;
  PlaceOptions place{};
};

nanogrid::Result<nanogrid::JobFilter> FilterOf(const Options& options) {
  nanogrid::JobFilter filter{.function = options.function};
  if (options.dead) filter.state = nanogrid::JobState::kFailed;
  if (options.status.empty()) return filter;
  std::string upper = options.status;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  auto state = nanogrid::ParseJobState(upper);
  if (!state.ok()) return state.status();
  filter.state = *state;
  return filter;
}

nanogrid::Result<std::vector<Job>> ListJobs(const Context& context, Controller& controller,
                                            const nanogrid::JobFilter& filter, size_t limit) {
  std::vector<Job> jobs;
  std::string cursor;
  while (jobs.size() < limit) {
    auto page = controller.ListJobs(context, filter, cursor, std::min(kPage, limit - jobs.size()));
    if (!page.ok()) return page.status();
    std::move(page->jobs.begin(), page->jobs.end(), std::back_inserter(jobs));
    cursor = page->cursor;
    if (cursor.empty()) break;
  }
  return jobs;
}

void PrintJobs(const Options& options, Output& out, const std::vector<Job>& jobs) {
  if (options.json) {
    for (const Job& job : jobs) out.Print(nanogrid::JobJson(job) + "\n");
  } else if (options.quiet) {
    for (const Job& job : jobs) out.Print(job.id + "\n");
  } else {
    const nanogrid::SystemTime now = nanogrid::Clock::System().WallNow();
    out.Print(JobTable(jobs, now).Text(out, TerminalWidth()));
  }
}

Status ShowOne(const Context& context, const Options& options, Controller& controller) {
  const auto job = controller.GetJob(context, options.id);
  if (!job.ok()) return job.status();
  Output out(stdout);
  out.Print(options.json ? nanogrid::JobJson(*job) + "\n" : JobDetails(*job, out));
  return out.Flush();
}

// A line for each event, for files and scripts, and of one job.
Status PrintEvents(const Context& context, const Options& options, Controller& controller) {
  Output out(stdout);
  std::string cursor;
  if (options.id.empty()) {
    auto end = controller.EventsEnd(context);
    if (!end.ok()) return end.status();
    cursor = *std::move(end);
  }
  for (;;) {
    const auto events = controller.Events(context, options.id, cursor);
    if (!events.ok()) return events.status();
    if (events->empty()) return context.Check(std::chrono::steady_clock::now());
    for (const nanogrid::JobEvent& event : *events) {
      if (!options.function.empty() && event.function != options.function) continue;
      out.Print(options.json ? nanogrid::EventJson(event) + "\n" : EventLine(event, out));
    }
    if (Status status = out.Flush(); !status.ok()) return status;
    if (!options.id.empty() && nanogrid::IsTerminal(events->back().state)) return absl::OkStatus();
    cursor = events->back().cursor;
  }
}

// The table, drawn again in its place when something changes or a second has passed.
Status WatchTable(const Context& context, const Options& options, Controller& controller,
                  const nanogrid::JobFilter& filter) {
  Output out(stdout);
  auto cursor = controller.EventsEnd(context);
  if (!cursor.ok()) return cursor.status();
  size_t drawn = 0;
  for (;;) {
    const size_t height = TerminalHeight();
    const size_t room = height > 3 ? height - 2 : options.limit;
    const auto jobs = ListJobs(context, controller, filter, std::min(options.limit, room));
    if (!jobs.ok()) return jobs.status();
    if (drawn > 0) out.Print(fmt::format("\x1b[{}F\x1b[J", drawn));
    PrintJobs(options, out, *jobs);
    drawn = jobs->size() + 1;
    if (Status status = out.Flush(); !status.ok()) return status;
    const Context second{std::chrono::steady_clock::now() + std::chrono::seconds(1), context.stop};
    const auto events = controller.Events(second, "", *cursor, kPage);
    if (!events.ok()) return events.status();
    if (!events->empty()) cursor = events->back().cursor;
    if (context.stop.stop_requested()) return absl::OkStatus();
  }
}

Status Jobs(const Options& options) {
  const auto filter = FilterOf(options);
  if (!filter.ok()) return filter.status();
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return place.status();
  Controller& controller = (*place)->controller();
  const StopSignals signals;
  const Context context = Context::WithStop(signals.token());
  if (options.watch) {
    const bool table = options.id.empty() && !options.json && TerminalWidth() > 0;
    Status status = table ? WatchTable(context, options, controller, *filter)
                          : PrintEvents(context, options, controller);
    return absl::IsCancelled(status) ? absl::OkStatus() : status;  // how watching ends
  }
  if (!options.id.empty()) return ShowOne(context, options, controller);
  const auto jobs = ListJobs(context, controller, *filter, options.limit);
  if (!jobs.ok()) return jobs.status();
  Output out(stdout);
  PrintJobs(options, out, *jobs);
  return out.Flush();
}

}  // namespace

Command AddJobsCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("jobs", "List jobs, newest first, or show one");
  command->add_option("JOB", options->id, "The id of one job")->type_name("");
  command->add_option("--function", options->function, "Only jobs of this function")
      ->type_name("NAME");
  command->add_option("--status", options->status, "Only jobs in this state")
      ->type_name("PENDING|PROCESSING|SUCCESS|FAILED|CANCELLED");
  command->add_flag("--dead", options->dead, "Only dead letters: jobs that failed for good");
  command->add_option("--limit", options->limit, "At most so many (default: 20)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("--watch", options->watch, "Go on showing what happens, until Ctrl-C");
  command->add_flag("-q,--quiet", options->quiet, "Print ids only");
  command->add_flag("--json", options->json, "Print one object per job or event");
  AddPlaceOptions(*command, options->place);
  return {command, [options] {
            const Status status = Jobs(*options);
            return status.ok() ? kExitSuccess : ReportFailure(status, options->json);
          }};
}
