// nanogrid result, logs, cancel, retry: one thing with a job.
#include <fmt/format.h>
#include <nanogrid/records_json.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "command.h"
#include "follow_job.h"
#include "job_view.h"
#include "output.h"
#include "place.h"
#include "show_result.h"
#include "stop_signals.h"

namespace {

using nanogrid::Context;
using nanogrid::Controller;
using nanogrid::Status;

struct Options {
  std::vector<std::string> ids{};
  bool follow = false;
  std::string output{};
  bool json = false;
  PlaceOptions place{};
};

std::shared_ptr<Options> AddOptions(CLI::App& command, bool many) {
  auto options = std::make_shared<Options>();
  command.add_option("JOB", options->ids, many ? "Ids of jobs" : "The id of a job")
      ->required()
      ->expected(1, many ? 1'000'000 : 1)
      ->type_name("");
  command.add_flag("--json", options->json, "Print one object per job");
  AddPlaceOptions(command, options->place);
  return options;
}

nanogrid::Result<ExitCode> ResultOf(const Options& options) {
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return place.status();
  Controller& controller = (*place)->controller();
  const auto job = controller.GetJob({}, options.ids[0]);
  if (!job.ok()) return job.status();
  if (!nanogrid::IsTerminal(job->state)) {
    return absl::FailedPreconditionError(
        fmt::format("job {} is {}: it has no result yet", job->id, nanogrid::ToString(job->state)));
  }
  KeptLog log;
  if (options.json) {
    uint64_t offset = 0;
    const Status copied = CopyLog({}, controller, job->id, offset, log);
    if (!copied.ok()) return copied;
  }
  return ShowResult(controller, *job, {.json = options.json, .output = options.output}, log.text());
}

nanogrid::Result<ExitCode> Logs(const Options& options) {
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return place.status();
  Controller& controller = (*place)->controller();
  LiveLog log(stdout);
  Status status;
  if (options.follow) {
    const StopSignals signals;
    const auto context = Context::WithStop(signals.token());
    status = FollowJob(context, controller, options.ids[0], log).status();
    if (absl::IsCancelled(status)) status = absl::OkStatus();  // how following ends
  } else {
    uint64_t offset = 0;
    status = CopyLog({}, controller, options.ids[0], offset, log);
  }
  log.Finish();
  if (!status.ok()) return status;
  return kExitSuccess;
}

// Does something to each job and shows what it answers; goes on after errors.
ExitCode ForEach(
    const Options& options,
    const std::function<nanogrid::Result<nanogrid::Job>(Controller&, const std::string&)>& act) {
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return ReportFailure(place.status(), options.json);
  ExitCode code = kExitSuccess;
  Output out(stdout);
  for (const std::string& id : options.ids) {
    const auto job = act((*place)->controller(), id);
    if (!job.ok()) {
      code = ReportFailure(job.status(), options.json);
      continue;
    }
    out.Print(options.json
                  ? nanogrid::JobJson(*job) + "\n"
                  : fmt::format("{}  {}\n", job->id,
                                out.Paint(ColorOf(job->state), nanogrid::ToString(job->state))));
  }
  const Status status = out.Flush();
  return status.ok() ? code : ReportFailure(status, false);
}

std::function<ExitCode()> Reporting(std::shared_ptr<Options> options,
                                    nanogrid::Result<ExitCode> (*run)(const Options&)) {
  return [options = std::move(options), run] {
    const auto code = run(*options);
    return code.ok() ? *code : ReportFailure(code.status(), options->json);
  };
}

}  // namespace

Command AddResultCommand(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("result", "Print the result of a job that has ended");
  const std::shared_ptr<Options> options = AddOptions(*command, false);
  command->add_option("--output", options->output, "Put the result files there")->type_name("DIR");
  command->footer("Exit status: as of nanogrid run, for the job.");
  return {command, Reporting(options, ResultOf)};
}

Command AddLogsCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("logs", "Print what a job has logged");
  const std::shared_ptr<Options> options = AddOptions(*command, false);
  command->add_flag("-f,--follow", options->follow, "Go on until the job has ended");
  return {command, Reporting(options, Logs)};
}

Command AddCancelCommand(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("cancel", "End jobs: pending ones never start, running ones die");
  const std::shared_ptr<Options> options = AddOptions(*command, true);
  return {command, [options] {
            return ForEach(*options, [](Controller& controller, const std::string& id) {
              return controller.Cancel({}, id);
            });
          }};
}

Command AddRetryCommand(CLI::App& app) {
  CLI::App* const command =
      app.add_subcommand("retry", "Submit jobs that have ended again, as new jobs");
  const std::shared_ptr<Options> options = AddOptions(*command, true);
  return {command, [options] {
            return ForEach(*options, [](Controller& controller, const std::string& id) {
              return controller.Retry({}, id);
            });
          }};
}
