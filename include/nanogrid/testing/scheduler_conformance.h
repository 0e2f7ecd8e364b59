// What a Scheduler must do (scheduler.h), whatever happens in whatever order: seeded random
// schedules against a slow, obvious model. In one source file of a GoogleTest program, in namespace
// nanogrid:
//
//   #include "nanogrid/testing/scheduler_conformance.h"
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, SchedulerConformance, MyScheduler);
//
// MyScheduler is Scheduler, or a class with the same members.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "nanogrid/scheduler.h"

namespace nanogrid {

// Drives a scheduler at random, and says so in a test failure when it breaks a promise.
template <typename SchedulerType>
class SchedulerSimulation {
 public:
  SchedulerSimulation(const SchedulerOptions& options, std::vector<uint32_t> concurrency,
                      unsigned seed)
      : options_(options), scheduler_(options), random_(seed) {
    for (size_t i = 0; i < concurrency.size(); ++i) {
      functions_["function-" + std::to_string(i)].concurrency = concurrency[i];
    }
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ += Duration(Pick(static_cast<size_t>(options_.freeze_after.count())));
      Step(Pick(20));
      CheckInvariants();
    }
    Drain();
  }

 private:
  struct IdleInstance {
    InstanceId id = 0;
    std::string tenant{};
    TimePoint since{};
    bool frozen = false;
  };
  struct Function {
    uint32_t concurrency = 0;
    std::deque<Ticket> waiting{};
    std::vector<IdleInstance> idle{};  // oldest first
    size_t running = 0;
    size_t passed_over = 0;  // placements of others, while an invocation waited and might have run
  };
  struct Running {
    std::string function{};
    std::string tenant{};
    bool forgotten = false;
  };

  size_t Pick(size_t count) { return count == 0 ? 0 : random_() % count; }
  std::string PickFunction() {
    return std::next(functions_.begin(), static_cast<ptrdiff_t>(Pick(functions_.size())))->first;
  }

  void Step(size_t choice) {
    if (choice < 8) return Enqueue(PickFunction());
    if (choice < 15) return FinishOne(Pick(8) != 0);
    if (choice == 15) return Withdraw();
    if (choice == 16) return Replace();
    if (choice == 17) return Tick();
    if (choice == 18) return Reclaim(Pick(3));
    if (Pick(10) == 0) Forget(PickFunction());
  }

  void Enqueue(const std::string& name) {
    Function& function = functions_[name];
    const std::string tenant(Pick(3), 't');  // "", "t" or "tt"
    const auto admission = scheduler_.Enqueue(name, function.concurrency, now_, tenant);
    ASSERT_TRUE(tickets_.emplace(admission.ticket, tenant).second) << "a ticket was given twice";
    // A turn of the latest: nobody who waits for this function, and room.
    const bool may_run = function.waiting.empty() && HasRoom(function);
    ASSERT_EQ(admission.placement.has_value(), may_run);
    if (may_run) {
      ASSERT_EQ(admission.placement->ticket, admission.ticket);
      Place(name, *admission.placement);
    } else {
      function.waiting.push_back(admission.ticket);
      if (forgotten_.contains(name)) forgotten_[name].erase(admission.ticket);
    }
  }

  void Place(const std::string& name, const Placement& placement) {
    Function& function = functions_[name];
    const bool old = forgotten_[name].erase(placement.ticket) > 0;
    const std::string& tenant = tickets_[placement.ticket];
    running_[placement.ticket] = {name, tenant, old};
    ++function.running;
    ExpectNewest(function, tenant, placement.instance);
  }

  // A warm instance is used if the tenant has one, the one used last.
  void ExpectNewest(Function& function, const std::string& tenant,
                    std::optional<InstanceId> instance) {
    const auto newest =
        std::find_if(function.idle.rbegin(), function.idle.rend(),
                     [&](const IdleInstance& idle) { return idle.tenant == tenant; });
    ASSERT_EQ(instance.has_value(), newest != function.idle.rend());
    if (!instance) return;
    ASSERT_EQ(*instance, newest->id);
    function.idle.erase(std::next(newest).base());
  }

  void FinishOne(bool keep) {
    if (running_.empty()) return;
    const auto it = std::next(running_.begin(), static_cast<ptrdiff_t>(Pick(running_.size())));
    const auto [ticket, running] = *it;
    running_.erase(it);
    Function& function = functions_[running.function];
    --function.running;
    const InstanceId instance = ++last_instance_;
    std::vector<InstanceId> retired;
    const std::vector<Placement> placements =
        scheduler_.Finish(ticket, keep ? std::optional(instance) : std::nullopt, now_, retired);
    if (keep && running.forgotten) {
      ASSERT_EQ(std::count(retired.begin(), retired.end(), instance), 1);
      std::erase(retired, instance);
    } else if (keep) {
      function.idle.push_back({.id = instance, .tenant = running.tenant, .since = now_});
    }
    for (const Placement& placement : placements) PlaceWaiting(placement);
    std::vector<InstanceId> expected;
    while (IdleCount() > options_.max_idle) expected.push_back(TakeOldest());
    ASSERT_EQ(retired, expected);
  }

  void PlaceWaiting(const Placement& placement) {
    for (auto& [name, function] : functions_) {
      if (function.waiting.empty() || function.waiting.front() != placement.ticket) continue;
      ASSERT_TRUE(HasRoom(function)) << name << " runs more than it may";
      for (auto& [other_name, other] : functions_) {
        const bool held_back = &other != &function && !other.waiting.empty() && MayRun(other);
        other.passed_over = held_back ? other.passed_over + 1 : 0;
        ASSERT_LT(other.passed_over, functions_.size()) << other_name << " was not given its turn";
      }
      function.waiting.pop_front();
      return Place(name, placement);
    }
    FAIL() << "placed what was not first in its function's line";
  }

  void Withdraw() {
    Function& function = functions_[PickFunction()];
    if (function.waiting.empty()) {
      if (!running_.empty()) {
        ASSERT_FALSE(scheduler_.Withdraw(running_.begin()->first));
      }
      return;
    }
    const auto it =
        function.waiting.begin() + static_cast<ptrdiff_t>(Pick(function.waiting.size()));
    const Ticket ticket = *it;
    function.waiting.erase(it);
    if (function.waiting.empty()) function.passed_over = 0;
    ASSERT_TRUE(scheduler_.Withdraw(ticket));
    ASSERT_FALSE(scheduler_.Withdraw(ticket)) << "withdrawn twice";
  }

  void Replace() {
    if (running_.empty()) return;
    const auto& [ticket, running] = *running_.begin();
    ExpectNewest(functions_[running.function], running.tenant, scheduler_.Replace(ticket));
  }

  void Tick() {
    now_ += Duration(Pick(static_cast<size_t>(options_.keep_alive.count())));
    const auto upkeep = scheduler_.Tick(now_);
    std::vector<InstanceId> retire;
    while (IdleCount() > 0 && Oldest().since + options_.keep_alive <= now_) {
      retire.push_back(TakeOldest());
    }
    std::set<InstanceId> freeze;
    TimePoint next = TimePoint::max();
    for (auto& [name, function] : functions_) {
      for (IdleInstance& idle : function.idle) {
        if (!idle.frozen && idle.since + options_.freeze_after <= now_) {
          idle.frozen = true;
          freeze.insert(idle.id);
        }
        next = std::min(next, idle.since + options_.keep_alive);
        if (!idle.frozen) next = std::min(next, idle.since + options_.freeze_after);
      }
    }
    ASSERT_EQ(upkeep.retire, retire);
    ASSERT_EQ(std::set(upkeep.freeze.begin(), upkeep.freeze.end()), freeze);
    ASSERT_EQ(upkeep.freeze.size(), freeze.size()) << "frozen twice";
    ASSERT_EQ(upkeep.next, next);
  }

  void Reclaim(size_t count) {
    std::vector<InstanceId> expected;
    while (expected.size() < count && IdleCount() > 0) expected.push_back(TakeOldest());
    ASSERT_EQ(scheduler_.Reclaim(count), expected);
  }

  void Forget(const std::string& name) {
    Function& function = functions_[name];
    std::set<InstanceId> expected;
    for (const IdleInstance& idle : function.idle) expected.insert(idle.id);
    function.idle.clear();
    for (auto& [ticket, running] : running_) {
      if (running.function == name) running.forgotten = true;
    }
    forgotten_[name] = std::set<Ticket>(function.waiting.begin(), function.waiting.end());
    const std::vector<InstanceId> forgotten = scheduler_.Forget(name);
    ASSERT_EQ(std::set(forgotten.begin(), forgotten.end()), expected);
    ASSERT_EQ(forgotten.size(), expected.size());
  }

  bool MayRun(const Function& function) const {
    return function.concurrency == 0 || function.running < function.concurrency;
  }
  bool HasRoom(const Function& function) const {
    return MayRun(function) &&
           (options_.max_running == 0 || running_.size() < options_.max_running);
  }
  size_t IdleCount() const {
    size_t count = 0;
    for (const auto& [name, function] : functions_) count += function.idle.size();
    return count;
  }
  Function& OldestFunction() {
    Function* oldest = nullptr;
    for (auto& [name, function] : functions_) {
      if (function.idle.empty()) continue;
      const IdleInstance& idle = function.idle.front();
      // At the same time: in the order in which they became idle, which is that of their ids.
      if (oldest == nullptr || std::pair(idle.since, idle.id) <
                                   std::pair(oldest->idle.front().since, oldest->idle.front().id)) {
        oldest = &function;
      }
    }
    return *oldest;
  }
  const IdleInstance& Oldest() { return OldestFunction().idle.front(); }
  InstanceId TakeOldest() {
    Function& function = OldestFunction();
    const InstanceId id = function.idle.front().id;
    function.idle.erase(function.idle.begin());
    return id;
  }

  void CheckInvariants() {
    size_t waiting = 0;
    for (const auto& [name, function] : functions_) {
      waiting += function.waiting.size();
      ASSERT_FALSE(!function.waiting.empty() && HasRoom(function))
          << name << " waits although there is room";
    }
    const auto stats = scheduler_.GetStats();
    ASSERT_EQ(stats.running, running_.size());
    ASSERT_EQ(stats.waiting, waiting);
    ASSERT_EQ(stats.idle, IdleCount());
  }

  // Everybody is served in the end.
  void Drain() {
    while (!running_.empty() && !testing::Test::HasFailure()) {
      FinishOne(true);
      CheckInvariants();
    }
    if (testing::Test::HasFailure()) return;
    ASSERT_EQ(scheduler_.GetStats().waiting, 0u);
    Reclaim(IdleCount() + 1);
    ASSERT_EQ(scheduler_.GetStats().idle, 0u);
  }

  const SchedulerOptions options_;
  SchedulerType scheduler_;
  std::mt19937 random_;
  TimePoint now_{std::chrono::hours(1)};
  std::map<std::string, Function> functions_;
  std::map<Ticket, Running> running_;
  std::map<std::string, std::set<Ticket>> forgotten_;  // waiting since before Forget
  std::map<Ticket, std::string> tickets_;              // all there were, and their tenants
  InstanceId last_instance_ = 0;
};

template <typename SchedulerType>
class SchedulerConformance : public testing::Test {};
TYPED_TEST_SUITE_P(SchedulerConformance);

TYPED_TEST_P(SchedulerConformance, KeepsItsPromisesUnderRandomSchedules) {
  const SchedulerOptions variants[] = {
      {},
      {.max_running = 1, .max_idle = 1},
      {.max_running = 3, .max_idle = 0},
      {.max_running = 4, .max_idle = 3, .keep_alive = std::chrono::milliseconds(500)},
      {.max_running = 0, .max_idle = 5, .keep_alive = std::chrono::milliseconds(100)},
      {.max_running = 2,
       .max_idle = 64,
       .keep_alive = std::chrono::seconds(1),
       .freeze_after = std::chrono::seconds(2)},
  };
  const unsigned first_seed = std::random_device{}();
  for (unsigned seed = first_seed; seed != first_seed + 20; ++seed) {
    for (size_t variant = 0; variant < std::size(variants); ++variant) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", variant " + std::to_string(variant));
      SchedulerSimulation<TypeParam>(variants[variant], {1, 2, 0, 1, 3}, seed).Run(500);
      if (testing::Test::HasFailure()) return;
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(SchedulerConformance, KeepsItsPromisesUnderRandomSchedules);

}  // namespace nanogrid
