// The command line of a daemon: a flag for each of its settings.
#pragma once

#include <nanogrid/adapters/fleet_config.h>

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

struct DaemonCommand {
  std::string config{};
  std::vector<std::pair<std::string, std::string>> flags{};  // FleetSources::flags
  bool print_config = false;
  bool json = false;
};

// Declares the options, which are written to `command` when a command line is parsed.
void AddDaemonOptions(CLI::App& app, nanogrid::FleetProgram program, DaemonCommand& command);
