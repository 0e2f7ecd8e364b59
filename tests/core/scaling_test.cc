#include <gtest/gtest.h>

#include "nanogrid/router.h"
#include "nanogrid/testing/scaling_conformance.h"

namespace nanogrid {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr ScalingBounds kTwoToFive = {};
constexpr ScalingBounds kOneToForty = {
    .min_workers = 1, .max_workers = 40, .cooldown = seconds(60)};

std::unique_ptr<ScalingPolicy> Step(const StepScalingOptions& options = {}) {
  return *MakeStepScaling(options);
}
std::unique_ptr<ScalingPolicy> Backlog(const BacklogScalingOptions& options = {}) {
  return *MakeBacklogScaling(options);
}
TimePoint At(Duration since_start) { return TimePoint(std::chrono::hours(1)) + since_start; }

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    Policies, ScalingConformance,
    testing::Values(
        ScalingAdapter{"step", kTwoToFive, [] { return Step(); }},
        ScalingAdapter{"step40", kOneToForty, [] { return Step({.bounds = kOneToForty}); }},
        ScalingAdapter{"backlog", kTwoToFive, [] { return Backlog(); }},
        ScalingAdapter{"backlog40", kOneToForty, [] { return Backlog({.bounds = kOneToForty}); }}));

TEST(StepScaling, TenWaitingMessagesMakeOneMoreWorker) {
  EXPECT_EQ(Step()->Decide({.backlog = 9, .workers = 2}, At(seconds(0))).workers, 2u);
  const auto policy = Step();
  EXPECT_EQ(policy->Decide({.backlog = 10, .workers = 2}, At(seconds(0))).workers, 3u);
  EXPECT_EQ(policy->Decide({.backlog = 99, .workers = 3}, At(seconds(299))).workers, 3u);
  EXPECT_EQ(policy->Decide({.backlog = 99, .workers = 3}, At(seconds(300))).workers, 4u);
}

TEST(StepScaling, ThreeEmptyMinutesMakeOneFewer) {
  const auto policy = Step();
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 4}, At(minutes(0))).workers, 4u);
  EXPECT_EQ(policy->Decide({.backlog = 1, .workers = 4}, At(minutes(2))).workers, 4u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 4}, At(minutes(3))).workers, 4u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 4}, At(seconds(359))).workers, 4u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 4}, At(minutes(6))).workers, 3u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 3}, At(minutes(10))).workers, 3u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 3}, At(minutes(11))).workers, 2u);
  EXPECT_EQ(policy->Decide({.backlog = 0, .workers = 2}, At(minutes(60))).workers, 2u);
}

TEST(BacklogScaling, MakesWhatTheBacklogTakesAtOnce) {
  // 120 jobs of 10 s within 30 s on 2 slots each: 20 workers.
  const FleetState fleet = {.backlog = 120, .workers = 1, .slots = 2, .service_time = seconds(10)};
  EXPECT_EQ(Backlog({.bounds = kOneToForty})->Decide(fleet, At(seconds(0))).workers, 20u);
}

TEST(BacklogScaling, MakesRoomBeforeAllAreBusy) {
  const FleetState fleet = {
      .workers = 10, .slots = 2, .utilisation = 0.9, .service_time = seconds(10)};
  EXPECT_EQ(Backlog({.bounds = kOneToForty})->Decide(fleet, At(seconds(0))).workers, 13u);
}

TEST(BacklogScaling, AFleetThatIsBusyEnoughStays) {
  const FleetState fleet = {
      .workers = 10, .slots = 2, .utilisation = 0.65, .service_time = seconds(10)};
  EXPECT_EQ(Backlog({.bounds = kOneToForty})->Decide(fleet, At(seconds(0))).workers, 10u);
}

TEST(Scaling, WrongOptionsAreNamed) {
  EXPECT_EQ(MakeStepScaling({.bounds = {.min_workers = 6, .max_workers = 5}}).status().message(),
            "min_workers: 6 exceeds max_workers, 5");
  EXPECT_FALSE(MakeStepScaling({.bounds = {.min_workers = 0, .max_workers = 0}}).ok());
  EXPECT_FALSE(MakeBacklogScaling({.target_delay = Duration::zero()}).ok());
  EXPECT_FALSE(MakeBacklogScaling({.target_utilisation = 1.1}).ok());
  EXPECT_FALSE(MakeBacklogScaling({.target_utilisation = 0}).ok());
}

TEST(ThresholdRouter, TheBaselineServesWhileItIsHealthyAndNotBusy) {
  const auto router = *MakeThresholdRouter();
  struct {
    PoolState baseline, burst;
    Pool pool;
  } const cases[] = {
      {{true, 0.0}, {true, 0.0}, Pool::kBaseline},  {{true, 0.69}, {true, 0.0}, Pool::kBaseline},
      {{true, 0.70}, {true, 0.0}, Pool::kBurst},    {{false, 0.1}, {true, 0.9}, Pool::kBurst},
      {{true, 1.0}, {false, 0.0}, Pool::kBaseline}, {{false, 0.0}, {false, 0.0}, Pool::kBurst},
      {{true, 0.5}, {false, 0.0}, Pool::kBaseline},
  };
  for (const auto& [baseline, burst, pool] : cases) {
    const Route route = router->Choose(baseline, burst);
    EXPECT_EQ(ToString(route.pool), ToString(pool))
        << baseline.healthy << " " << baseline.utilisation << " " << burst.healthy;
    EXPECT_FALSE(route.reason.empty());
  }
}

TEST(ThresholdRouter, WrongThresholdsAreNamed) {
  for (const double threshold : {0.0, -1.0, 1.01}) {
    EXPECT_FALSE(MakeThresholdRouter(threshold).ok()) << threshold;
  }
  EXPECT_TRUE(MakeThresholdRouter(1).ok());
}

}  // namespace nanogrid
