// What the programs that run for long have in common: their command line and configuration, how
// they start, say that they are ready, and end.
#pragma once

#include <nanogrid/adapters/fleet.h>
#include <nanogrid/adapters/http.h>

#include <functional>
#include <string>
#include <string_view>

enum ExitCode { kExitSuccess = 0, kExitUsage = 2, kExitFailed = 3 };

struct DaemonInfo {
  std::string name{};         // "nanogrid-worker"
  std::string description{};  // one line
  std::string footer{};       // of --help
  nanogrid::FleetProgram program = nanogrid::FleetProgram::kController;
  nanogrid::Duration drain{};  // if the configuration does not say; max(): as long as it takes
};

// What a daemon does. Called with signals blocked, in this order; the destructor ends the rest.
class Daemon {
 public:
  virtual ~Daemon() = default;
  // Starts working, and prints to standard output where it can be reached.
  virtual nanogrid::Status Start(const nanogrid::FleetConfig& config,
                                 nanogrid::Observer& observer) = 0;
  // Takes nothing new and finishes what there is, until the context ends.
  virtual void Stop(const nanogrid::Context& context) = 0;
};

// The whole main function: reads the configuration, runs `daemon` until SIGTERM or SIGINT, lets it
// finish. A second signal ends the drain, a third the process.
int RunDaemon(const DaemonInfo& info, int argc, char** argv, Daemon& daemon);

// One line on standard error, with the program's name before it. Thread-safe.
void Log(std::string_view text);

// The token file's tokens; none if the configuration names no file.
nanogrid::Result<std::vector<std::string>> ReadTokens(const nanogrid::FleetConfig& config);
