// nanogrid deploy: a function is registered, to be invoked later.
#include <fmt/format.h>
#include <nanogrid/records_json.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "command.h"
#include "function_code.h"
#include "output.h"
#include "place.h"
#include "stop_signals.h"

namespace {

struct Options {
  std::string path{};
  std::string name{};
  bool json = false;
  PlaceOptions place{};
  GivenSettings settings{};
};

nanogrid::Status Deploy(const Options& options) {
  const auto spec = MakeSpec(options.path, options.name, options.settings);
  if (!spec.ok()) return spec.status();
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return place.status();
  const StopSignals signals;
  const auto version =
      (*place)->controller().engine().Register(nanogrid::Context::WithStop(signals.token()), *spec);
  if (!version.ok()) return version.status();
  Output out(stdout);
  if (options.json) {
    out.Print(nanogrid::FunctionJson(*version) + "\n");
  } else {
    out.Print(fmt::format("{}:{}\n", version->name, version->number));
    Output(stderr).Print(fmt::format("deployed {} version {} ({}, {}) to {}\n", version->name,
                                     version->number, version->runtime, version->handler,
                                     (*place)->name()));
  }
  return out.Flush();
}

}  // namespace

Command AddDeployCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("deploy", "Register a function; the same code again changes nothing");
  command->add_option("PATH", options->path, "The code: a file, a directory or a .zip")
      ->required()
      ->type_name("");
  command->add_option("--name", options->name, "The function's name (default: the file's)")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "Print the function as an object");
  AddPlaceOptions(*command, options->place);
  AddSettingsOptions(*command, options->settings, true);
  command->footer(
      "Examples:\n  nanogrid deploy hello.py\n"
      "  nanogrid deploy app/ --name resize --handler main.handle --memory 512M\n"
      "  nanogrid deploy hello.py --server http://127.0.0.1:8080\n\n"
      "Prints NAME:VERSION.");
  return {command, [options] {
            const nanogrid::Status status = Deploy(*options);
            return status.ok() ? kExitSuccess : ReportFailure(status, options->json);
          }};
}
