#include "daemon.h"

#include <fmt/format.h>
#include <nanogrid/settings.h>
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <thread>

#include "daemon_options.h"
#include "service_manager.h"
#include "stop_signals.h"

namespace {

using nanogrid::FleetConfig;
using nanogrid::Result;
using nanogrid::Status;

std::string program_name = "nanogrid";

class LogErrors final : public nanogrid::Observer {
 public:
  void OnError(std::string_view where, const Status& status) override {
    Log(fmt::format("{}: {}", where, status.ToString()));
  }
};

ExitCode Fail(const Status& status) {
  Log(std::string(status.message()));
  const bool usage = absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
                     absl::IsFailedPrecondition(status) || absl::IsUnimplemented(status);
  return usage ? kExitUsage : kExitFailed;
}

// Every waiting client is an open file.
void RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// On a thread of its own, while this one waits for more signals.
void Drain(Daemon& daemon, nanogrid::Duration patience, StopSignals& signals) {
  std::stop_source now;
  nanogrid::Context context = nanogrid::Context::WithTimeout(patience);
  context.stop = now.get_token();
  std::thread drain([&] {
    daemon.Stop(context);
    signals.Wake();
  });
  if (const int signal = signals.Wait(); signal != StopSignals::kWoken) {
    Log(fmt::format("{}: ends at once", strsignal(signal)));
    now.request_stop();
    signals.Restore();
  }
  drain.join();
}

ExitCode Run(const DaemonInfo& info, const DaemonCommand& command, Daemon& daemon) {
  const Result<FleetConfig> config = nanogrid::LoadFleetConfig(
      {.file = command.config, .environment = nanogrid::ReadEnvironment(), .flags = command.flags});
  if (!config.ok()) return Fail(config.status());
  if (command.print_config) {
    std::fputs((command.json ? FleetConfigJson(*config) : FleetConfigToml(*config)).c_str(),
               stdout);
    return kExitSuccess;
  }
  RaiseFileLimit();
  StopSignals signals;
  static LogErrors observer;  // may be told something until the very end
  if (const Status started = daemon.Start(*config, observer); !started.ok()) return Fail(started);
  std::fflush(stdout);
  TellServiceManager("READY=1");

  const int signal = signals.Wait();
  const nanogrid::Duration patience = config->drain.value_or(info.drain);
  Log(fmt::format("{}: ends {}; again: at once", strsignal(signal),
                  patience == nanogrid::Duration::max()
                      ? "when its jobs have"
                      : "within " + nanogrid::FormatDuration(patience)));
  TellServiceManager("STOPPING=1");
  Drain(daemon, patience, signals);
  Log("ended");
  return kExitSuccess;
}

}  // namespace

void Log(std::string_view text) {
  std::string line = program_name + ": ";
  for (const char c : text) line += c == '\n' || c == '\r' ? ' ' : c;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Result<std::vector<std::string>> ReadTokens(const FleetConfig& config) {
  if (config.token_file.empty()) return std::vector<std::string>();
  return nanogrid::ReadTokenFile(config.token_file);
}

int RunDaemon(const DaemonInfo& info, int argc, char** argv, Daemon& daemon) {
  program_name = info.name;
  CLI::App app(info.description, info.name);
  app.set_version_flag("--version", info.name + " " NANOGRID_VERSION);
  app.get_formatter()->column_width(36);
  app.footer(info.footer);
  DaemonCommand command;
  AddDaemonOptions(app, info.program, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    if (why.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(why);
    Log(fmt::format("{} (--help says what there is)", why.what()));
    return kExitUsage;
  }
  return Run(info, command, daemon);
}
