// What every ScalingPolicy must do (scaling.h), whatever load comes: seeded random fleets. In one
// source file of a GoogleTest program, in namespace nanogrid:
//
//   #include "nanogrid/testing/scaling_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, ScalingConformance, testing::Values(
//       ScalingAdapter{"mine", bounds, [] { return MakeMyPolicy(bounds); }}));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <string>

#include "nanogrid/scaling.h"

namespace nanogrid {

struct ScalingAdapter {
  std::string name{};
  ScalingBounds bounds{};
  std::function<std::unique_ptr<ScalingPolicy>()> make{};
};
inline void PrintTo(const ScalingAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class ScalingConformance : public testing::TestWithParam<ScalingAdapter> {
 protected:
  const ScalingBounds& bounds() const { return GetParam().bounds; }
  std::unique_ptr<ScalingPolicy> Make() const { return GetParam().make(); }
  FleetState Fleet(uint32_t workers, uint64_t backlog = 0, double utilisation = 0) const {
    return {.backlog = backlog,
            .workers = workers,
            .slots = 2,
            .utilisation = utilisation,
            .service_time = std::chrono::seconds(10)};
  }
};

TEST_P(ScalingConformance, TheBoundsHoldAtOnce) {
  const TimePoint now{std::chrono::hours(1)};
  EXPECT_EQ(Make()->Decide(Fleet(0), now).workers, bounds().min_workers);
  EXPECT_EQ(Make()->Decide(Fleet(bounds().max_workers + 3), now).workers, bounds().max_workers);
  EXPECT_EQ(Make()->Decide(Fleet(bounds().max_workers, 1'000'000, 1), now).workers,
            bounds().max_workers);
}

TEST_P(ScalingConformance, ALongBacklogIsAnsweredWithMoreWorkers) {
  const auto policy = Make();
  TimePoint now{std::chrono::hours(1)};
  uint32_t workers = bounds().min_workers;
  for (uint32_t i = 0; i <= bounds().max_workers; ++i, now += bounds().cooldown) {
    workers = policy->Decide(Fleet(workers, 1'000'000, 1), now).workers;
  }
  EXPECT_EQ(workers, bounds().max_workers);
}

TEST_P(ScalingConformance, AnIdleFleetShrinksOneByOneToTheMinimum) {
  const auto policy = Make();
  TimePoint now{std::chrono::hours(1)};
  uint32_t workers = bounds().max_workers;
  const TimePoint end =
      now + (bounds().max_workers + 2) * (bounds().cooldown + std::chrono::hours(1));
  for (; now < end; now += std::chrono::seconds(10)) {
    const uint32_t wanted = policy->Decide(Fleet(workers), now).workers;
    ASSERT_LE(workers, wanted + 1);
    workers = wanted;
  }
  EXPECT_EQ(workers, bounds().min_workers);
}

TEST_P(ScalingConformance, ItNeverLeavesTheBoundsNorShrinksTwiceWithinTheCooldown) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&](uint64_t below) { return random() % below; };
  const auto policy = Make();
  TimePoint now{std::chrono::hours(1)};
  TimePoint last_change = TimePoint::min();
  uint32_t workers = bounds().min_workers;
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::seconds(pick(120));
    const FleetState fleet = {.backlog = pick(3) == 0 ? 0 : pick(100),
                              .workers = workers,
                              .slots = static_cast<uint32_t>(1 + pick(8)),
                              .utilisation = static_cast<double>(pick(101)) / 100,
                              .service_time = std::chrono::seconds(pick(60))};
    const ScalingDecision decision = policy->Decide(fleet, now);
    ASSERT_GE(decision.workers, bounds().min_workers) << "step " << step;
    ASSERT_LE(decision.workers, bounds().max_workers) << "step " << step;
    ASSERT_FALSE(decision.reason.empty()) << "step " << step;
    if (decision.workers < workers) {
      ASSERT_TRUE(last_change == TimePoint::min() || now - last_change >= bounds().cooldown)
          << "step " << step;
    }
    if (decision.workers != workers) last_change = now;
    workers = decision.workers;
  }
}

}  // namespace nanogrid
