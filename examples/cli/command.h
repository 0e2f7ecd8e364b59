// One command of the program: its place on the command line, and what it does.
#pragma once

#include <functional>

#include "exit_codes.h"

namespace CLI {
class App;
}

struct Command {
  const CLI::App* app = nullptr;
  std::function<ExitCode()> run{};
};

// Each declares its command and options. docs/cli.md describes them.
Command AddRunCommand(CLI::App& app);
Command AddDoctorCommand(CLI::App& app);
Command AddDeployCommand(CLI::App& app);
Command AddInvokeCommand(CLI::App& app);
Command AddJobsCommand(CLI::App& app);
Command AddResultCommand(CLI::App& app);
Command AddLogsCommand(CLI::App& app);
Command AddCancelCommand(CLI::App& app);
Command AddRetryCommand(CLI::App& app);
Command AddStorageVerifyCommand(CLI::App& app);
Command AddFunctionsCommand(CLI::App& app);
Command AddRmCommand(CLI::App& app);
Command AddCompletionCommand(CLI::App& app);
