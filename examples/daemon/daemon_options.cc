#include "daemon_options.h"

#include <CLI/CLI.hpp>

using nanogrid::FleetProgram;
using nanogrid::FleetSetting;

void AddDaemonOptions(CLI::App& app, FleetProgram program, DaemonCommand& command) {
  app.add_option("--config", command.config,
                 "Settings as TOML or JSON (NANOGRID_CONFIG; see docs/configuration.md)")
      ->type_name("FILE");
  CLI::Option* const print = app.add_flag("--print-config", command.print_config,
                                          "Print all settings and where they come from, and end");
  app.add_flag("--json", command.json, "Print them as JSON")->needs(print);
  for (const FleetSetting& setting : nanogrid::FleetSettings()) {
    if (setting.secret) continue;
    if (setting.program != FleetProgram::kBoth && setting.program != program) continue;
    const std::string name(setting.name);
    app.add_option_function<std::string>(
           "--" + nanogrid::FleetFlag(setting),
           [&command, name](const std::string& text) { command.flags.emplace_back(name, text); },
           std::string(setting.help))
        ->type_name(std::string(setting.placeholder))
        ->group("Settings (in the environment: NANOGRID_DATA and so on)");
  }
  if (program == FleetProgram::kController) {
    app.add_flag_callback(
        "--no-worker", [&command] { command.flags.emplace_back("worker", "false"); },
        "Take jobs and run none; the same as --worker false");
  }
}
