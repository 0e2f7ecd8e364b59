#include "run_command.h"

#include <fmt/format.h>
#include <nanogrid/nanogrid.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "output.h"
#include "stop_signals.h"

namespace {

using nanogrid::Result;
using nanogrid::Status;

Status Usage(const std::string& message) { return absl::InvalidArgumentError(message); }

// "my hello.py" → "my_hello"
std::string NameOf(const std::filesystem::path& path) {
  std::error_code ignored;
  std::string name = std::filesystem::absolute(path, ignored).lexically_normal().stem().string();
  if (name.empty() && path.has_parent_path()) return NameOf(path.parent_path());
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '_');
  return name.empty() ? "function" : name.substr(0, 64);
}

Result<nanogrid::FunctionSpec> SpecOf(const RunOptions& options) {
  nanogrid::FunctionSpec spec{.name = options.name.empty() ? NameOf(options.path) : options.name,
                              .code = nanogrid::Code::FromPath(options.path)};
  for (const auto& [name, value] : options.settings) {
    if (Status status = nanogrid::ApplySetting(spec, name, value); !status.ok()) return status;
  }
  if (Status status = nanogrid::ValidateSpec(spec); !status.ok()) return status;
  if (std::error_code error; !std::filesystem::exists(options.path, error)) {
    return Usage(
        fmt::format("{}: {}", options.path, error ? error.message() : "no such file or directory"));
  }
  return spec;
}

Result<std::string> EventOf(const RunOptions& options) {
  std::string bytes;
  if (options.event == "-") {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (std::cin.bad()) return Usage("event: standard input cannot be read");
    return bytes;
  }
  if (!options.event.starts_with('@')) return options.event;
  const std::string path = options.event.substr(1);
  std::ifstream file(path, std::ios::binary);
  bytes.assign(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return Usage(fmt::format("event '{}': the file cannot be read", options.event));
  }
  return bytes;
}

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
    if (code.ok()) return *code;
    if (options_.json) out_.Print(ErrorJson(code.status()));
    (void)out_.Flush();
    err_.Print(err_.Paint(Color::kRed, "nanogrid: "));
    err_.Write(std::string(code.status().message()) + "\n");
    return ExitCodeOf(code.status());
  }

 private:
  Result<ExitCode> Invocations() {
    const Result<nanogrid::FunctionSpec> spec = SpecOf(options_);
    if (!spec.ok()) return spec.status();
    Result<std::string> event = EventOf(options_);
    if (!event.ok()) return event.status();

    const StopSignals signals;
    const auto context = nanogrid::Context::WithStop(signals.token());
    const auto engine = nanogrid::OpenLocal();
    if (!engine.ok()) return engine.status();
    const auto version = (*engine)->Register(context, *spec);
    if (!version.ok()) return version.status();
    // A program that reads no JSON is given nothing rather than "null".
    if (!options_.has_event && version->runtime != "exec") *event = "null";

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
    const Result<nanogrid::Outcome> outcome =
        engine.Invoke(context, {.function = function, .event = event, .log = &log});
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
      if (outcome.error) ShowFailure(*outcome.error);
    }
    if (options_.verbose) err_.Print(err_.Paint(Color::kDim, UsageLine(outcome)) + "\n");
    if (Status status = out_.Flush(); !status.ok()) return status;
    return ExitCodeOf(outcome.ending);
  }

  void ShowFailure(const nanogrid::FunctionError& error) {
    err_.Print(err_.Paint(Color::kRed, EscapeForTerminal(error.type + ": " + error.message)) +
               "\n");
    if (error.stack.empty()) return;
    err_.Write(error.stack);
    if (error.stack.back() != '\n') err_.Print("\n");
  }

  const RunOptions& options_;
  Output out_{stdout};
  Output err_{stderr};
};

}  // namespace

ExitCode Run(const RunOptions& options) { return Runner(options).Run(); }
