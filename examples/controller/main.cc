// nanogrid-controller: functions and jobs over HTTP, all in one process on one data directory.
#include <fmt/format.h>
#include <nanogrid/adapters/http.h>
#include <nanogrid/adapters/local.h>
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "controller_options.h"

namespace {

using nanogrid::Result;
using nanogrid::Status;

enum ExitCode { kExitSuccess = 0, kExitUsage = 2, kExitFailed = 3 };

void Log(std::string_view text) {
  std::string line = "nanogrid-controller: ";
  for (const char c : text) line += c == '\n' || c == '\r' ? ' ' : c;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

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

std::string DefaultData() {
  const char* const data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data == '/') return data + std::string("/nanogrid");
  const char* const home = std::getenv("HOME");
  return home == nullptr ? "" : home + std::string("/.local/share/nanogrid");
}

// Every waiting client is an open file.
void RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// While it lives, this thread and those that it starts leave SIGINT and SIGTERM to Wait.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~StopSignals() { Restore(); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int Wait() {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }
  // The next one has its usual effect: it ends the process.
  void Restore() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t signals_ = {};
  sigset_t before_ = {};
};

Result<std::unique_ptr<nanogrid::Service>> Open(const ControllerCommand& command,
                                                nanogrid::Observer& observer) {
  const std::string data = command.data.empty() ? DefaultData() : command.data;
  std::error_code ignored;
  if (command.data.empty()) {
    std::filesystem::create_directories(std::filesystem::path(data).parent_path(), ignored);
  }
  nanogrid::ServiceOptions options{
      .data = data, .run_worker = !command.no_worker, .exclusive = true};
  options.controller.retention = command.retention;
  options.controller.max_event = command.max_body;
  options.worker.slots = command.slots;
  options.local.observer = &observer;
  return nanogrid::OpenService(options);
}

Result<std::unique_ptr<nanogrid::HttpServer>> Serve(const ControllerCommand& command,
                                                    nanogrid::Service& service) {
  nanogrid::HttpServerOptions options{.listen = command.listen, .worker = service.worker()};
  if (!command.token_file.empty()) {
    Result<std::vector<std::string>> tokens = nanogrid::ReadTokenFile(command.token_file);
    if (!tokens.ok()) return tokens.status();
    options.tokens = *std::move(tokens);
  }
  options.limits.max_connections = command.max_connections;
  options.limits.max_body = command.max_body;
  return nanogrid::ServeHttp(service.controller(), options);
}

ExitCode Run(const ControllerCommand& command) {
  RaiseFileLimit();
  StopSignals signals;
  LogErrors observer;
  const auto service = Open(command, observer);
  if (!service.ok()) return Fail(service.status());
  const auto server = Serve(command, **service);
  if (!server.ok()) return Fail(server.status());
  std::printf("listening on %s\n", (*server)->url().c_str());
  std::fflush(stdout);

  const int signal = signals.Wait();
  Log(fmt::format("{}: ends within {:.0f} s; again: at once", strsignal(signal),
                  std::chrono::duration<double>(command.drain).count()));
  signals.Restore();
  // Clients wait for jobs that the worker is finishing: both have the same time.
  const auto context = nanogrid::Context::WithTimeout(command.drain);
  std::thread worker([&] { (*service)->Stop(context); });
  (*server)->Stop(context);
  worker.join();
  Log("ended");
  return kExitSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Serve functions and jobs over HTTP", "nanogrid-controller");
  app.set_version_flag("--version", "nanogrid-controller " NANOGRID_VERSION);
  app.get_formatter()->column_width(32);
  ControllerCommand command;
  AddControllerOptions(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    if (why.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(why);
    Log(fmt::format("{} (--help says what there is)", why.what()));
    return kExitUsage;
  }
  return Run(command);
}
