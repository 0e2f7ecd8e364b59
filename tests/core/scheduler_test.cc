#include "nanogrid/scheduler.h"

#include <gtest/gtest.h>

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint kStart{1h};

using Instances = std::vector<InstanceId>;

// Finishes and expects that nothing is retired and nobody placed.
void FinishQuietly(Scheduler& scheduler, Ticket ticket, std::optional<InstanceId> keep,
                   TimePoint now) {
  Instances retired;
  EXPECT_TRUE(scheduler.Finish(ticket, keep, now, retired).empty());
  EXPECT_TRUE(retired.empty());
}

Ticket Begin(Scheduler& scheduler, std::string_view function, TimePoint now = kStart) {
  const auto admission = scheduler.Enqueue(function, 0, now);
  EXPECT_TRUE(admission.placement.has_value());
  return admission.ticket;
}

TEST(SchedulerTest, AWarmInstanceIsUsedAgainTheLatestFirst) {
  Scheduler scheduler;
  const Ticket first = Begin(scheduler, "f");
  const Ticket second = Begin(scheduler, "f");
  FinishQuietly(scheduler, first, 1, kStart + 1ms);
  FinishQuietly(scheduler, second, 2, kStart + 2ms);
  EXPECT_EQ(scheduler.Enqueue("g", 0, kStart + 3ms).placement->instance, std::nullopt);
  EXPECT_EQ(scheduler.Enqueue("f", 0, kStart + 3ms).placement->instance, 2u);
  EXPECT_EQ(scheduler.Enqueue("f", 0, kStart + 3ms).placement->instance, 1u);
  EXPECT_EQ(scheduler.Enqueue("f", 0, kStart + 3ms).placement->instance, std::nullopt);
}

TEST(SchedulerTest, FunctionsTakeTurns) {
  Scheduler scheduler({.max_running = 1});
  Ticket running = Begin(scheduler, "a");
  std::vector<std::pair<std::string, Ticket>> waiting;
  for (const char* function : {"a", "a", "a", "b", "b", "c"}) {
    const auto admission = scheduler.Enqueue(function, 0, kStart);
    EXPECT_FALSE(admission.placement.has_value());
    waiting.emplace_back(function, admission.ticket);
  }
  std::string order;
  for (size_t i = 0; i < waiting.size(); ++i) {
    Instances retired;
    const auto placements = scheduler.Finish(running, std::nullopt, kStart, retired);
    ASSERT_EQ(placements.size(), 1u);
    running = placements[0].ticket;
    for (const auto& [function, ticket] : waiting) {
      if (ticket == running) order += function;
    }
  }
  EXPECT_EQ(order, "abcaba");
}

TEST(SchedulerTest, AFunctionAtItsConcurrencyDoesNotHoldUpOthers) {
  Scheduler scheduler({.max_running = 2});
  const auto running = scheduler.Enqueue("limited", 1, kStart);
  const auto waiting = scheduler.Enqueue("limited", 1, kStart);
  EXPECT_FALSE(waiting.placement.has_value());
  EXPECT_TRUE(scheduler.Enqueue("free", 0, kStart).placement.has_value());
  Instances retired;
  const auto placements = scheduler.Finish(running.ticket, 7, kStart, retired);
  ASSERT_EQ(placements.size(), 1u);
  EXPECT_EQ(placements[0].ticket, waiting.ticket);
  EXPECT_EQ(placements[0].instance, 7u);
}

TEST(SchedulerTest, WhoIsWithdrawnIsNeverPlaced) {
  Scheduler scheduler({.max_running = 1});
  const Ticket running = Begin(scheduler, "f");
  const auto withdrawn = scheduler.Enqueue("f", 0, kStart);
  const auto next = scheduler.Enqueue("f", 0, kStart);
  EXPECT_FALSE(scheduler.Withdraw(running));
  EXPECT_TRUE(scheduler.Withdraw(withdrawn.ticket));
  EXPECT_FALSE(scheduler.Withdraw(withdrawn.ticket));
  Instances retired;
  const auto placements = scheduler.Finish(running, std::nullopt, kStart, retired);
  ASSERT_EQ(placements.size(), 1u);
  EXPECT_EQ(placements[0].ticket, next.ticket);
}

TEST(SchedulerTest, AnIdleInstanceIsFrozenThenRetired) {
  Scheduler scheduler({.keep_alive = 10s, .freeze_after = 1s});
  EXPECT_EQ(scheduler.Tick(kStart).next, TimePoint::max());
  FinishQuietly(scheduler, Begin(scheduler, "f"), 1, kStart);
  auto upkeep = scheduler.Tick(kStart + 1s - 1ns);
  EXPECT_TRUE(upkeep.freeze.empty() && upkeep.retire.empty());
  EXPECT_EQ(upkeep.next, kStart + 1s);
  upkeep = scheduler.Tick(kStart + 1s);
  EXPECT_EQ(upkeep.freeze, Instances{1});
  EXPECT_EQ(upkeep.next, kStart + 10s);
  EXPECT_TRUE(scheduler.Tick(kStart + 2s).freeze.empty());
  upkeep = scheduler.Tick(kStart + 10s);
  EXPECT_EQ(upkeep.retire, Instances{1});
  EXPECT_EQ(upkeep.next, TimePoint::max());
  EXPECT_EQ(scheduler.GetStats().idle, 0u);
}

TEST(SchedulerTest, EndlessKeepAliveDoesNotOverflow) {
  Scheduler scheduler({.keep_alive = Duration::max(), .freeze_after = Duration::max()});
  FinishQuietly(scheduler, Begin(scheduler, "f"), 1, kStart);
  const auto upkeep = scheduler.Tick(TimePoint::max() - 1ns);
  EXPECT_TRUE(upkeep.freeze.empty() && upkeep.retire.empty());
  EXPECT_EQ(upkeep.next, TimePoint::max());
}

TEST(SchedulerTest, TooManyIdleInstancesAreRetiredOldestFirst) {
  Scheduler scheduler({.max_idle = 1});
  const Ticket first = Begin(scheduler, "f");
  const Ticket second = Begin(scheduler, "g");
  FinishQuietly(scheduler, first, 1, kStart);
  Instances retired;
  EXPECT_TRUE(scheduler.Finish(second, 2, kStart, retired).empty());
  EXPECT_EQ(retired, Instances{1});
  EXPECT_EQ(scheduler.GetStats().idle, 1u);
}

TEST(SchedulerTest, ADeadInstanceIsReplacedByAWarmOneOrNone) {
  Scheduler scheduler;
  const Ticket first = Begin(scheduler, "f");
  const Ticket second = Begin(scheduler, "f");
  FinishQuietly(scheduler, first, 1, kStart);
  EXPECT_EQ(scheduler.Replace(second), 1u);
  EXPECT_EQ(scheduler.Replace(second), std::nullopt);
  EXPECT_EQ(scheduler.Replace(first), std::nullopt);
}

TEST(SchedulerTest, ReclaimTakesThoseIdleLongest) {
  Scheduler scheduler;
  Ticket tickets[3];
  for (Ticket& ticket : tickets) ticket = Begin(scheduler, "f");
  for (InstanceId i = 0; i < 3; ++i) {
    FinishQuietly(scheduler, tickets[i], i + 1, kStart + Duration(i));
  }
  EXPECT_EQ(scheduler.Reclaim(2), (Instances{1, 2}));
  EXPECT_EQ(scheduler.Reclaim(2), Instances{3});
  EXPECT_TRUE(scheduler.Reclaim(2).empty());
}

TEST(SchedulerTest, AForgottenFunctionKeepsNothing) {
  Scheduler scheduler({.max_running = 2});
  const Ticket idle = Begin(scheduler, "f");
  const Ticket busy = Begin(scheduler, "f");
  const auto waiting = scheduler.Enqueue("f", 0, kStart);
  Instances retired;
  EXPECT_EQ(scheduler.Finish(idle, 1, kStart, retired).size(), 1u);
  EXPECT_TRUE(scheduler.Forget("f").empty());  // all are busy
  EXPECT_TRUE(scheduler.Finish(busy, 2, kStart, retired).empty());
  EXPECT_TRUE(scheduler.Finish(waiting.ticket, 1, kStart, retired).empty());
  EXPECT_EQ(retired, (Instances{2, 1}));
  FinishQuietly(scheduler, Begin(scheduler, "f"), 3, kStart);
  EXPECT_EQ(scheduler.Forget("f"), Instances{3});
  EXPECT_TRUE(scheduler.Forget("never heard of").empty());
}

TEST(SchedulerTest, AnOutdatedTicketDoesNothingButReturnsItsInstance) {
  Scheduler scheduler;
  const Ticket ticket = Begin(scheduler, "f");
  FinishQuietly(scheduler, ticket, std::nullopt, kStart);
  const Ticket other = Begin(scheduler, "f");  // in the same slot
  Instances retired;
  EXPECT_TRUE(scheduler.Finish(ticket, 5, kStart, retired).empty());
  EXPECT_EQ(retired, Instances{5});
  EXPECT_EQ(scheduler.GetStats().running, 1u);
  EXPECT_TRUE(scheduler.Finish(~Ticket{0}, std::nullopt, kStart, retired).empty());
  FinishQuietly(scheduler, other, std::nullopt, kStart);
}

TEST(SchedulerTest, TimeThatRunsBackwardsDoesNoHarm) {
  Scheduler scheduler({.keep_alive = 10s, .freeze_after = 1s});
  const Ticket first = Begin(scheduler, "f", kStart);
  const Ticket second = Begin(scheduler, "f", kStart);
  FinishQuietly(scheduler, first, 1, kStart + 5s);
  FinishQuietly(scheduler, second, 2, kStart);
  const auto upkeep = scheduler.Tick(kStart + 6s);
  EXPECT_EQ(upkeep.freeze, (Instances{1, 2}));
}

}  // namespace
}  // namespace nanogrid
