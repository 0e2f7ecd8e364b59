// nanogrid invoke: a job, waited for or not.
#include <fmt/format.h>
#include <nanogrid/records_json.h>
#include <nanogrid/settings.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "command.h"
#include "event_option.h"
#include "follow_job.h"
#include "output.h"
#include "place.h"
#include "show_result.h"
#include "stop_signals.h"

namespace {

using nanogrid::Status;

struct Options {
  std::string function{};  // NAME or NAME:QUALIFIER
  EventOption event{};
  bool async = false;
  std::string delay{};
  std::string key{};
  std::string tenant{};
  std::string output{};
  std::vector<std::pair<std::string, std::string>> retry{};
  bool json = false;
  bool verbose = false;
  PlaceOptions place{};
};

nanogrid::Result<nanogrid::SubmitRequest> MakeRequest(const Options& options,
                                                      nanogrid::Engine& engine) {
  nanogrid::SubmitRequest request{.function = options.function};
  if (const size_t colon = options.function.find(':'); colon != std::string::npos) {
    request.function = options.function.substr(0, colon);
    request.qualifier = options.function.substr(colon + 1);
  }
  request.idempotency_key = options.key;
  request.tenant = options.tenant;
  for (const auto& [name, value] : options.retry) {
    Status status = nanogrid::ApplyRetrySetting(request.retry, name, value);
    if (!status.ok()) return status;
  }
  if (Status status = nanogrid::ValidateRetry(request.retry.AppliedTo({})); !status.ok())
    return status;
  if (!options.delay.empty()) {
    const auto delay = nanogrid::ParseDuration("delay", options.delay);
    if (!delay.ok()) return delay.status();
    request.delay = *delay;
  }
  auto event = ReadEvent(options.event);
  if (!event.ok()) return event.status();
  request.event = *std::move(event);
  if (!options.event.given) {
    // A program that reads no JSON is given nothing rather than "null".
    const auto version = engine.Get({}, request.function, request.qualifier);
    if (!version.ok()) return version.status();
    if (version->runtime == "exec") request.event.clear();
  }
  return request;
}

ExitCode Submitted(const Options& options, const nanogrid::Job& job, const Place& place) {
  Output out(stdout);
  if (options.json) {
    out.Print(nanogrid::JobJson(job) + "\n");
  } else {
    out.Print(job.id + "\n");
    if (!place.has_worker()) {
      Output(stderr).Print(
          fmt::format("The job waits: nothing runs jobs of {} now. Start\n"
                      "  nanogrid-controller --data {}\n",
                      place.name(), place.name()));
    }
  }
  const Status status = out.Flush();
  return status.ok() ? kExitSuccess : ReportFailure(status, false);
}

// The caller wants it no more.
nanogrid::Result<nanogrid::Job> CancelledByCaller(nanogrid::Controller& controller,
                                                  const std::string& id) {
  return controller.Cancel(nanogrid::Context::WithTimeout(std::chrono::seconds(5)), id);
}

nanogrid::Result<ExitCode> Invoke(const Options& options) {
  const auto place = OpenPlace(options.place, !options.async);
  if (!place.ok()) return place.status();
  nanogrid::Controller& controller = (*place)->controller();
  const auto request = MakeRequest(options, controller.engine());
  if (!request.ok()) return request.status();

  const StopSignals signals;
  const auto context = nanogrid::Context::WithStop(signals.token());
  auto job = controller.Submit(context, *request);
  if (!job.ok()) return job.status();
  if (options.async) return Submitted(options, *job, **place);

  if (options.verbose) Output(stderr).Print(fmt::format("job {}\n", job->id));
  KeptLog kept;
  LiveLog live(stderr);
  nanogrid::LogSink& log = options.json ? static_cast<nanogrid::LogSink&>(kept) : live;
  const std::string id = job->id;
  job = FollowJob(context, controller, id, log);
  if (absl::IsCancelled(job.status())) job = CancelledByCaller(controller, id);
  live.Finish();
  if (!job.ok()) return job.status();
  return ShowResult(controller, *job,
                    {.json = options.json, .verbose = options.verbose, .output = options.output},
                    kept.text());
}

void AddRetryOptions(CLI::App& command, Options& options) {
  const std::pair<const char*, const char*> settings[] = {
      {"max_attempts",
       "Try again when the function fails, N times in all (default: the function's)"},
      {"backoff", "Wait before the second attempt; doubles each time (default: the function's)"},
      {"max_backoff", "The longest wait between attempts (default: the function's)"},
      {"max_age", "Give up when the job is older (default: the function's)"}};
  for (const auto& [name, help] : settings) {
    std::string flag = std::string("--") + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    command
        .add_option_function<std::string>(
            flag,
            [&options, setting = std::string(name)](const std::string& value) {
              options.retry.emplace_back(setting, value);
            },
            help)
        ->type_name(std::string(name) == "max_attempts" ? "N" : "TIME")
        ->group("The job");
  }
}

}  // namespace

Command AddInvokeCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("invoke", "Run a deployed function and wait for its result");
  command->add_option("FUNCTION", options->function, "NAME, or NAME:VERSION")
      ->required()
      ->type_name("");
  AddEventOption(*command, options->event);
  command->add_flag("--async", options->async, "Print the job's id and do not wait");
  command->add_flag("--json", options->json, "Print one object, with logs and usage");
  command->add_flag("-v,--verbose", options->verbose, "Say how long it took, on standard error");
  command->add_option("--output", options->output, "Put the result files there")->type_name("DIR");
  command->add_option("--delay", options->delay, "Start it so much later")
      ->type_name("TIME")
      ->group("The job");
  command
      ->add_option("--idempotency-key", options->key,
                   "The same key again means the same job, whatever happened to this command")
      ->type_name("KEY")
      ->group("The job");
  command
      ->add_option("--tenant", options->tenant,
                   "Whose call it is; needed by functions that keep tenants apart")
      ->type_name("NAME")
      ->group("The job");
  AddRetryOptions(*command, *options);
  AddPlaceOptions(*command, options->place);
  command->footer(
      "Examples:\n  nanogrid invoke hello --event '{\"name\": \"Ada\"}'\n"
      "  nanogrid invoke report --async --max-attempts 3 --delay 1h\n\n"
      "The result goes to standard output and nothing else does; logs go to standard error.\n"
      "Ctrl-C cancels the job. Exit status: as of nanogrid run.");
  return {command, [options] {
            const auto code = Invoke(*options);
            return code.ok() ? *code : ReportFailure(code.status(), options->json);
          }};
}
