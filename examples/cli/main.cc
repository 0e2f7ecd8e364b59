// nanogrid: the library from the shell.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "command.h"
#include "output.h"

namespace {

// Help and version are printed; a wrong command line is explained, for scripts as an object too.
ExitCode ExplainParse(const CLI::App& app, const CLI::ParseError& why, bool json) {
  if (why.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    app.exit(why);
    return kExitSuccess;
  }
  const ExitCode code = ReportFailure(absl::InvalidArgumentError(why.what()), json);
  Output(stderr).Print("Run with --help for what there is.\n");
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Run functions in a hardened sandbox, at once or as jobs", "nanogrid");
  app.set_version_flag("--version", "nanogrid " NANOGRID_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(32);
  app.footer(
      "Examples:\n  nanogrid run hello.py --event '{\"name\": \"Ada\"}'\n"
      "  nanogrid deploy hello.py\n  nanogrid invoke hello --event '{\"name\": \"Ada\"}'\n"
      "  nanogrid jobs --watch\n  nanogrid invoke --help");
  const std::vector<Command> commands = {
      AddRunCommand(app),       AddDeployCommand(app), AddInvokeCommand(app),
      AddJobsCommand(app),      AddResultCommand(app), AddLogsCommand(app),
      AddCancelCommand(app),    AddRetryCommand(app),  AddFunctionsCommand(app),
      AddRmCommand(app),        AddDoctorCommand(app), AddStorageVerifyCommand(app),
      AddCompletionCommand(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    const bool json = std::any_of(argv, argv + argc,
                                  [](std::string_view argument) { return argument == "--json"; });
    return ExplainParse(app, why, json);
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return kExitUsage;
}
