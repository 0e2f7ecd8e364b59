// The command line of nanogrid run.
#include <CLI/CLI.hpp>
#include <memory>

#include "command.h"
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

}  // namespace

Command AddRunCommand(CLI::App& app) {
  auto given = std::make_shared<RunOptions>();
  RunOptions& options = *given;
  CLI::App* const command =
      app.add_subcommand("run", "Run a function once in a sandbox; nothing is stored");
  command->add_option("PATH", options.path, "The code: a file, a directory or a .zip")
      ->required()
      ->type_name("");
  AddEventOption(*command, options.event);
  command->add_option("--name", options.name, "The function's name (default: the file's)")
      ->type_name("NAME");
  command->add_option("--tenant", options.tenant, "Whose call it is, for --per-tenant")
      ->type_name("NAME");
  command->add_option("--output", options.output, "Put the files of $NANOGRID_OUTPUT there")
      ->type_name("DIR");
  command->add_option("--repeat", options.repeat, "Invoke it N times, warm if it can be")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", options.json, "Print one object per invocation, with logs and usage");
  command->add_flag("-v,--verbose", options.verbose, "Say how long it took, on standard error");
  AddSettingsOptions(*command, options.settings, false);
  command->footer(kExamples);
  return {command, [given] { return Run(*given); }};
}
