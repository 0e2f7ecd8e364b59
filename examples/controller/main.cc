// nanogrid-controller: functions and jobs over HTTP, on the queue and stores of a fleet; by itself,
// all in one process on one data directory.
#include <cstdio>
#include <thread>
#include <utility>

#include "daemon/daemon.h"

namespace {

constexpr char kFooter[] = R"(Examples:
  nanogrid-controller
  nanogrid-controller --listen 127.0.0.1:0 --data /var/lib/nanogrid --slots 8
  nanogrid-controller --listen 0.0.0.0:8080 --token-file /etc/nanogrid/tokens
  nanogrid-controller --config /etc/nanogrid/fleet.toml --no-worker

Flags beat the environment, which beats the file. Without URIs everything is kept in --data, on which
one controller works. With URIs for queue, jobs, catalog and objects nothing is kept here, and any
number of controllers may work on them.

The address goes to standard output, everything else to standard error. SIGTERM and SIGINT let
running jobs finish for the time of --drain; what still runs then is run again by another worker or
the next start. A second signal hands them back at once.
Exit status: 0 ended by a signal, 2 usage, 3 it could not start.)";

class ControllerDaemon final : public Daemon {
 public:
  nanogrid::Status Start(const nanogrid::FleetConfig& config,
                         nanogrid::Observer& observer) override {
    nanogrid::FleetOptions options{.program = nanogrid::FleetProgram::kController};
    options.local.observer = &observer;
    auto fleet = nanogrid::OpenFleet(config, options);
    if (!fleet.ok()) return fleet.status();
    fleet_ = *std::move(fleet);
    auto tokens = ReadTokens(config);
    if (!tokens.ok()) return tokens.status();

    nanogrid::HttpServerOptions http{.listen = config.listen,
                                     .tokens = *std::move(tokens),
                                     .worker = fleet_->worker(),
                                     .health = &fleet_->health()};
    http.more_metrics = [this](std::string& text) { fleet_->AppendMetrics(text); };
    http.limits.max_connections = config.max_connections;
    http.limits.max_body = config.max_body;
    auto server = nanogrid::ServeHttp(*fleet_->controller(), http);
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    std::printf("listening on %s\n", server_->url().c_str());
    return absl::OkStatus();
  }

  // Clients wait for jobs that the worker is finishing: both have the same time.
  void Stop(const nanogrid::Context& context) override {
    std::thread worker([&] { fleet_->Stop(context); });
    server_->Stop(context);
    worker.join();
  }

 private:
  std::unique_ptr<nanogrid::Fleet> fleet_{};
  std::unique_ptr<nanogrid::HttpServer> server_{};  // goes first
};

}  // namespace

int main(int argc, char** argv) {
  ControllerDaemon daemon;
  return RunDaemon({.name = "nanogrid-controller",
                    .description = "Serve functions and jobs over HTTP",
                    .footer = kFooter,
                    .program = nanogrid::FleetProgram::kController,
                    .drain = std::chrono::seconds(30)},
                   argc, argv, daemon);
}
