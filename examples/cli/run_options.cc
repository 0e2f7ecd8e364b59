// The command line of nanogrid run. Every setting of a function is an option, by the one table.
#include <nanogrid/settings.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "run_command.h"

namespace {

constexpr char kExamples[] = R"(Examples:
  nanogrid run hello.py --event '{"name": "Ada"}'
  nanogrid run app.zip --handler main.handle --memory 256M --timeout 30s
  nanogrid run ./function.js --event @event.json --env STAGE=dev --json
  seq 9 | nanogrid run sum.sh --event -

The result goes to standard output and nothing else does; logs go to standard error.
Exit status: 0 success, 1 the function failed, 2 usage, 3 the engine failed, 124 timed out,
130 cancelled.)";

void AddSetting(CLI::App& command, const nanogrid::SettingInfo& setting, RunOptions& options) {
  const std::string name(setting.name);
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  command
      .add_option_function<std::vector<std::string>>(
          flag,
          [&options, name](const std::vector<std::string>& values) {
            for (const std::string& value : values) options.settings.emplace_back(name, value);
          },
          std::string(setting.help))
      ->expected(1)
      ->allow_extra_args(false)  // one value each time; brackets in it mean nothing
      ->multi_option_policy(name == "env" ? CLI::MultiOptionPolicy::TakeAll
                                          : CLI::MultiOptionPolicy::Throw)
      ->type_name(std::string(setting.placeholder))
      ->group("Settings of the function");
}

}  // namespace

CLI::App* AddRunCommand(CLI::App& app, RunOptions& options) {
  CLI::App* const command =
      app.add_subcommand("run", "Run a function once in a sandbox; nothing is stored");
  command->add_option("PATH", options.path, "The code: a file, a directory or a .zip")
      ->required()
      ->type_name("");
  command
      ->add_option_function<std::string>(
          "--event",
          [&options](const std::string& value) {
            options.event = value;
            options.has_event = true;
          },
          "The input: JSON, a file's content or standard input; any bytes for exec (default: null)")
      ->type_name("JSON|@FILE|-");
  command->add_option("--name", options.name, "The function's name (default: the file's)")
      ->type_name("NAME");
  command->add_option("--repeat", options.repeat, "Invoke it N times, warm if it can be")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", options.json, "Print one object per invocation, with logs and usage");
  command->add_flag("-v,--verbose", options.verbose, "Say how long it took, on standard error");
  for (const nanogrid::SettingInfo& setting : nanogrid::FunctionSettings()) {
    AddSetting(*command, setting, options);
  }
  command->footer(kExamples);
  return command;
}
