// nanogrid-worker: takes jobs from a queue and runs them.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "daemon/daemon.h"

namespace {

constexpr char kFooter[] = R"(Examples:
  nanogrid-worker --config /etc/nanogrid/fleet.toml
  nanogrid-worker --data /var/lib/nanogrid --slots 8
  nanogrid-worker --queue redis://cache --jobs redis://cache --catalog dynamodb://functions \
                  --objects s3://code --status-listen 127.0.0.1:8081

Flags beat the environment, which beats the file. Any number of workers may work on a queue, also
beside a controller on the same --data.

SIGTERM and SIGINT end it when the jobs that run have ended, or the time of --drain has; what still
runs then goes back to the queue. A second signal hands them back at once.
Exit status: 0 ended by a signal, 2 usage, 3 it could not start.)";

class WorkerDaemon final : public Daemon {
 public:
  nanogrid::Status Start(const nanogrid::FleetConfig& config,
                         nanogrid::Observer& observer) override {
    nanogrid::FleetOptions options{.program = nanogrid::FleetProgram::kWorker};
    options.local.observer = &observer;
    options.on_notice = [](const std::string& why) {
      Log("this machine goes away, " + why);
      kill(getpid(), SIGTERM);
    };
    auto fleet = nanogrid::OpenFleet(config, options);
    if (!fleet.ok()) return fleet.status();
    fleet_ = *std::move(fleet);
    if (nanogrid::Status status = ServeStatus(config); !status.ok()) return status;
    std::printf("working on %s with %u slots\n", config.queue.c_str(),
                fleet_->worker()->GetStats().slots);
    return absl::OkStatus();
  }

  // The status stays to be seen until the end.
  void Stop(const nanogrid::Context& context) override { fleet_->Stop(context); }

 private:
  nanogrid::Status ServeStatus(const nanogrid::FleetConfig& config) {
    if (config.status_listen.empty()) return absl::OkStatus();
    auto tokens = ReadTokens(config);
    if (!tokens.ok()) return tokens.status();
    nanogrid::StatusServerOptions options{.listen = config.status_listen,
                                          .tokens = *std::move(tokens),
                                          .health = &fleet_->health(),
                                          .worker = fleet_->worker(),
                                          .engine = &fleet_->engine()};
    options.more_metrics = [this](std::string& text) { fleet_->AppendMetrics(text); };
    auto server = nanogrid::ServeStatus(options);
    if (!server.ok()) return server.status();
    status_ = *std::move(server);
    std::printf("status at %s\n", status_->url().c_str());
    return absl::OkStatus();
  }

  std::unique_ptr<nanogrid::Fleet> fleet_{};
  std::unique_ptr<nanogrid::HttpServer> status_{};  // goes first
};

}  // namespace

int main(int argc, char** argv) {
  WorkerDaemon daemon;
  return RunDaemon({.name = "nanogrid-worker",
                    .description = "Run jobs from a queue",
                    .footer = kFooter,
                    .program = nanogrid::FleetProgram::kWorker,
                    .drain = nanogrid::Duration::max()},
                   argc, argv, daemon);
}
