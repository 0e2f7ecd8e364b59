// A fleet as queues of work, simulated: jobs pass a controller, the store, a worker, the store
// again.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "nanogrid/scaling.h"

namespace nanogrid {

// What one job costs each part, in seconds of that part's time; measured, not guessed.
struct FleetCosts {
  double controller = 0;    // of one controller
  double store_submit = 0;  // of the job store, which serves one after another
  double store_run = 0;     // for claim, log and end together
  double worker = 0;        // of a slot, besides the function
};

struct FleetShape {
  uint32_t controllers = 2;
  uint32_t workers = 2;
  uint32_t slots = 8;  // per worker
};

struct FleetLoad {
  std::function<double(double)> rate{};  // jobs per second, at a time in seconds
  double max_rate = 0;                   // rate never exceeds it
  double seconds = 60;                   // how long jobs arrive
  double service = 0.1;                  // seconds that a function runs, on the mean
  bool exponential = true;               // service times vary; else all are equal
  uint64_t seed = 1;
};

// Who decides on the number of workers, if it is not fixed.
struct FleetScalingModel {
  ScalingPolicy* policy = nullptr;
  double every = 10;     // seconds between looks
  double starting = 60;  // seconds until a new worker takes work
};

struct FleetResult {
  uint64_t jobs = 0;
  double seconds = 0;  // until the last one ended
  double p50 = 0;      // seconds from submission to end
  double p99 = 0;
  double store_utilisation = 0;
  double controller_utilisation = 0;
  double worker_utilisation = 0;  // of the slots that there were
  double worker_hours = 0;
  uint32_t most_workers = 0;

  double rate() const { return seconds > 0 ? static_cast<double>(jobs) / seconds : 0; }
};

// Deterministic for a seed.
FleetResult SimulateFleet(const FleetCosts& costs, const FleetShape& shape, const FleetLoad& load,
                          const FleetScalingModel& scaling = {});

}  // namespace nanogrid
