#include "run_command.h"

#include <fmt/format.h>
#include <nanogrid/nanogrid.h>

#include <cstdio>

#include "function_code.h"
#include "output.h"
#include "output_directory.h"
#include "stop_signals.h"

namespace {

using nanogrid::Result;
using nanogrid::Status;

// The engine was stopped before the function could end by itself: that is an ending, too.
nanogrid::Outcome EndedBefore(const Status& status) {
  const nanogrid::Ending ending =
      absl::IsCancelled(status) ? nanogrid::Ending::kCancelled : nanogrid::Ending::kTimeout;
  return {.ending = ending,
          .error = nanogrid::FunctionError{.type = std::string(nanogrid::ToString(ending)),
                                           .message = std::string(status.message())}};
}

// Invokes one function again and again, and shows what comes of it.
class Runner {
 public:
  explicit Runner(const RunOptions& options) : options_(options) {}

  ExitCode Run() {
    Result<ExitCode> code = Invocations();
    if (absl::IsCancelled(code.status()) || absl::IsDeadlineExceeded(code.status())) {
      code = Show(EndedBefore(code.status()), "");
    }
    return code.ok() ? *code : ReportFailure(code.status(), options_.json);
  }

 private:
  Result<ExitCode> Invocations() {
    const Result<nanogrid::FunctionSpec> spec =
        MakeSpec(options_.path, options_.name, options_.settings);
    if (!spec.ok()) return spec.status();
    Result<std::string> event = ReadEvent(options_.event);
    if (!event.ok()) return event.status();

    const StopSignals signals;
    const auto context = nanogrid::Context::WithStop(signals.token());
    const auto engine = nanogrid::OpenLocal();
    if (!engine.ok()) return engine.status();
    const auto version = (*engine)->Register(context, *spec);
    if (!version.ok()) return version.status();
    // A program that reads no JSON is given nothing rather than "null".
    if (!options_.event.given && version->runtime == "exec") event->clear();

    ExitCode code = kExitSuccess;
    for (uint32_t i = 0; i < options_.repeat && code == kExitSuccess; ++i) {
      Result<ExitCode> shown = Invoke(**engine, context, spec->name, *event);
      if (!shown.ok()) return shown;
      code = *shown;
    }
    return code;
  }

  Result<ExitCode> Invoke(nanogrid::Engine& engine, const nanogrid::Context& context,
                          const std::string& function, const std::string& event) {
    KeptLog kept;
    LiveLog live(stderr);
    nanogrid::LogSink& log = options_.json ? static_cast<nanogrid::LogSink&>(kept) : live;
    OutputDirectory files(options_.output);
    const Result<nanogrid::Outcome> outcome =
        engine.Invoke(context, {.function = function,
                                .event = event,
                                .log = &log,
                                .tenant = options_.tenant,
                                .files = options_.output.empty() ? nullptr : &files});
    live.Finish();
    if (!outcome.ok()) return outcome.status();
    return Show(*outcome, kept.text());
  }

  Result<ExitCode> Show(const nanogrid::Outcome& outcome, std::string_view log) {
    if (options_.json) {
      out_.Print(OutcomeJson(outcome, log));
    } else {
      out_.Write(outcome.result);
      if (outcome.result_is_json && !outcome.result.empty()) out_.Print("\n");
      if (outcome.error) ShowError(err_, *outcome.error);
    }
    ShowRefusedFiles(err_, outcome);
    if (options_.verbose) err_.Print(err_.Paint(Color::kDim, UsageLine(outcome)) + "\n");
    if (Status status = out_.Flush(); !status.ok()) return status;
    return ExitCodeOf(outcome.ending);
  }

  const RunOptions& options_;
  Output out_{stdout};
  Output err_{stderr};
};

}  // namespace

ExitCode Run(const RunOptions& options) { return Runner(options).Run(); }
