// The simulated fleet against what is known of queues.
#include "../../benchmarks/fleet_model.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nanogrid {
namespace {

FleetLoad Steady(double rate, double seconds, double service) {
  return {.rate = [rate](double) { return rate; },
          .max_rate = rate,
          .seconds = seconds,
          .service = service};
}

TEST(FleetModel, OneSlotIsAnMM1Queue) {
  // Response times are exponential with rate 10 - 7 per second.
  const FleetResult result = SimulateFleet({}, {.workers = 1, .slots = 1}, Steady(7, 50'000, 0.1));
  EXPECT_NEAR(result.p50, std::log(2) / 3, 0.02);
  EXPECT_NEAR(result.p99, std::log(100) / 3, 0.15);
  EXPECT_NEAR(result.worker_utilisation, 0.7, 0.02);
}

TEST(FleetModel, ManySlotsDoNotWait) {
  const FleetResult result =
      SimulateFleet({}, {.workers = 100, .slots = 10}, Steady(100, 1'000, 0.1));
  EXPECT_NEAR(result.p50, 0.1 * std::log(2), 0.005);
  EXPECT_NEAR(result.rate(), 100, 2);
}

TEST(FleetModel, TheBusiestPartBoundsTheRate) {
  const FleetResult result = SimulateFleet({.store_submit = 0.001, .store_run = 0.001},
                                           {.workers = 100, .slots = 10}, Steady(1'000, 20, 0.01));
  EXPECT_EQ(result.jobs,
            SimulateFleet({}, {.workers = 100, .slots = 10}, Steady(1'000, 20, 0.01)).jobs)
      << "the same arrivals";
  EXPECT_NEAR(result.rate(), 500, 10);
  EXPECT_NEAR(result.store_utilisation, 1, 0.01);
}

TEST(FleetModel, EveryJobEndsWhateverThePolicyDoes) {
  const auto policy = *MakeBacklogScaling({.bounds = {.min_workers = 0, .max_workers = 10}});
  const FleetLoad load{.rate = [](double time) { return time < 300 ? 20.0 : 0.5; },
                       .max_rate = 20,
                       .seconds = 3'000,
                       .service = 1};
  const FleetResult result =
      SimulateFleet({}, {.workers = 1, .slots = 4}, load, {.policy = policy.get()});
  EXPECT_NEAR(static_cast<double>(result.jobs), 300 * 20 + 2'700 * 0.5, 300);
  EXPECT_EQ(result.most_workers, 10u);
  EXPECT_LT(result.worker_hours, 10 * 3'000 / 3'600.0 * 0.75);
}

}  // namespace
}  // namespace nanogrid
