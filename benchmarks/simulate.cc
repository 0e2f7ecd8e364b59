// nanogrid-simulate: what fleets of other sizes would do, by the costs measured on one machine and
// the scaling policies that controllers use.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "fleet_model.h"
#include "svg_plot.h"

namespace {

using nanogrid::FleetCosts;
using nanogrid::FleetResult;
using nanogrid::FleetShape;
using nanogrid::Plot;

struct Command {
  FleetCosts costs{
      .controller = 300e-6, .store_submit = 120e-6, .store_run = 220e-6, .worker = 1400e-6};
  uint32_t slots = 8;
  uint32_t controllers = 2;
  std::string svg{};
};

// What the fleet could do at most: the first part that is busy all the time.
struct Bound {
  double rate;
  const char* part;
};
Bound BoundOf(const FleetCosts& costs, const FleetShape& shape, double service) {
  const Bound bounds[] = {
      {shape.workers * shape.slots / (service + costs.worker), "workers"},
      {1 / (costs.store_submit + costs.store_run), "job store"},
      {shape.controllers / costs.controller, "controllers"},
  };
  return *std::min_element(std::begin(bounds), std::end(bounds),
                           [](const Bound& a, const Bound& b) { return a.rate < b.rate; });
}

void FixedFleets(const Command& command, double service, Plot& rates, Plot& delays) {
  std::printf(
      "\nFunctions of %.0f ms, %u slots a worker, %u controllers; load 80 %% of the bound\n\n",
      service * 1000, command.slots, command.controllers);
  std::printf("%8s %12s %12s %10s %10s %8s %8s  %s\n", "workers", "bound/s", "jobs/s", "p50 ms",
              "p99 ms", "store", "slots", "bound by");
  const std::string name = fmt::format("{:.0f} ms", service * 1000);
  for (const uint32_t workers : {1u, 2u, 5u, 10u, 20u, 50u, 100u, 200u, 500u, 1000u}) {
    const FleetShape shape{
        .controllers = command.controllers, .workers = workers, .slots = command.slots};
    const Bound bound = BoundOf(command.costs, shape, service);
    const double rate = 0.8 * bound.rate;
    const double seconds = std::max(30 * service, std::min(60.0, 200'000 / rate));
    const FleetResult result = SimulateFleet(command.costs, shape,
                                             {.rate = [rate](double) { return rate; },
                                              .max_rate = rate,
                                              .seconds = seconds,
                                              .service = service});
    std::printf("%8u %12.0f %12.0f %10.1f %10.1f %7.0f%% %7.0f%%  %s\n", workers, bound.rate,
                result.rate(), result.p50 * 1000, result.p99 * 1000, result.store_utilisation * 100,
                result.worker_utilisation * 100, bound.part);
    rates.Add(name, workers, bound.rate);
    delays.Add(name, workers, result.p99 * 1000);
  }
}

// Calm nights, busy days, and a burst at noon.
double DayRate(double second) {
  const double hour = second / 3600;
  const double day = 0.5 * (1 - std::cos(2 * M_PI * hour / 24));
  const double burst = hour > 12 && hour < 12.5 ? 12 : 0;
  return 1 + 8 * day + burst;
}

void Day(const Command& command) {
  std::printf(
      "\nA day with 1 to 9 jobs/s of 2 s each, and 12 more per second from noon for half an hour;\n"
      "4 slots a worker; new workers take work after 60 s\n\n");
  std::printf("%-34s %10s %10s %10s %8s %8s\n", "policy", "p50 s", "p99 s", "worker h", "most",
              "slots");
  const auto run = [&](const std::string& name, uint32_t workers,
                       std::unique_ptr<nanogrid::ScalingPolicy> policy) {
    const FleetResult result = SimulateFleet(
        command.costs, {.controllers = command.controllers, .workers = workers, .slots = 4},
        {.rate = DayRate, .max_rate = 21, .seconds = 24 * 3600, .service = 2},
        {.policy = policy.get()});
    std::printf("%-34s %10.2f %10.2f %10.1f %8u %7.0f%%\n", name.c_str(), result.p50, result.p99,
                result.worker_hours, result.most_workers, result.worker_utilisation * 100);
  };
  run("fixed, 2", 2, nullptr);
  run("fixed, 5", 5, nullptr);
  run("fixed, 12", 12, nullptr);
  run("step 2..5, cooldown 300 s", 2, *nanogrid::MakeStepScaling());
  run("step 2..20, cooldown 60 s", 2,
      *nanogrid::MakeStepScaling(
          {.bounds = {.max_workers = 20, .cooldown = std::chrono::seconds(60)}}));
  run("backlog 2..20, 30 s", 2, *nanogrid::MakeBacklogScaling({.bounds = {.max_workers = 20}}));
  run("backlog 2..20, 5 s", 2,
      *nanogrid::MakeBacklogScaling(
          {.bounds = {.max_workers = 20}, .target_delay = std::chrono::seconds(5)}));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulate fleets of other sizes", "nanogrid-simulate");
  Command command;
  app.add_option("--controller-cost", command.costs.controller, "Seconds of a controller per job")
      ->type_name("S");
  app.add_option("--store-submit-cost", command.costs.store_submit,
                 "Seconds of the job store to submit a job")
      ->type_name("S");
  app.add_option("--store-run-cost", command.costs.store_run,
                 "Seconds of the job store to run a job")
      ->type_name("S");
  app.add_option("--worker-cost", command.costs.worker, "Seconds of a slot besides the function")
      ->type_name("S");
  app.add_option("--slots", command.slots, "Of a worker")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  app.add_option("--controllers", command.controllers)->check(CLI::Range(1, 1000))->type_name("N");
  app.add_option("--svg", command.svg, "Write plots to DIR")->type_name("DIR");
  app.footer(
      "The same arguments give the same figures. Measure the costs with\n"
      "benchmarks/measure_fleet.py first; the defaults are those of docs/scaling.md.\n"
      "Exit status: 0 done, 1 a plot could not be written, 2 usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? 0 : 2;
  }
  Plot rates("Jobs per second at most", "workers", "jobs/s");
  Plot delays("p99 from submission to end, at 80 % load", "workers", "ms");
  for (const double service : {0.01, 0.1, 1.0}) FixedFleets(command, service, rates, delays);
  Day(command);
  if (command.svg.empty()) return 0;
  const bool written = rates.Write(command.svg + "/fleet-throughput.svg") &&
                       delays.Write(command.svg + "/fleet-p99.svg");
  return written ? 0 : 1;
}
