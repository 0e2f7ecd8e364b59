#include "fleet/instance_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Errors final : public Observer {
 public:
  void OnError(std::string_view where, const Status&) override { told.emplace_back(where); }
  std::vector<std::string> told;
};

class InstanceWatchTest : public testing::Test {
 protected:
  void Look(Duration after = 1s) {
    clock_.Advance(after);
    state_.Look({});
  }
  // As a worker does: busy first.
  Status Begin() {
    busy_ = true;
    Status status = protection_.Hold({});
    if (!status.ok()) busy_ = false;
    return status;
  }

  FakeClock clock_;
  Result<std::string> notice_ = std::string();
  Status answer_;
  bool busy_ = false;
  std::vector<bool> calls_;
  std::vector<std::string> left_;
  Errors errors_;
  ScaleInProtection protection_{{.protect =
                                     [this](const Context&, bool from_scale_in) {
                                       calls_.push_back(from_scale_in);
                                       return answer_;
                                     },
                                 .idle_before_release = 10s,
                                 .clock = &clock_}};
  InstanceWatchState state_{{.notice = [this](const Context&) { return notice_; },
                             .protection = &protection_,
                             .busy = [this] { return busy_; },
                             .leave = [this](const std::string& why) { left_.push_back(why); },
                             .observer = &errors_}};
};

TEST_F(InstanceWatchTest, LeavesOnceWhenTheMachineGoesAway) {
  Look();
  EXPECT_THAT(left_, IsEmpty());
  notice_ = std::string("spot: terminate");
  Look();
  Look();
  EXPECT_THAT(left_, ElementsAre("spot: terminate"));
}

TEST_F(InstanceWatchTest, TheMachineIsProtectedBeforeAJobBeginsUntilItHasBeenIdleForAWhile) {
  Look();  // an earlier process may have left it protected
  EXPECT_THAT(calls_, ElementsAre(false));
  EXPECT_TRUE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(false, true));
  Look(1h);
  EXPECT_TRUE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(false, true));
  busy_ = false;
  Look(9s);
  EXPECT_THAT(calls_, ElementsAre(false, true));
  EXPECT_TRUE(Begin().ok());
  busy_ = false;
  Look(9s);
  EXPECT_THAT(calls_, ElementsAre(false, true));
  Look(1s);
  EXPECT_THAT(calls_, ElementsAre(false, true, false));
  Look(1h);
  EXPECT_THAT(calls_, ElementsAre(false, true, false));
  EXPECT_TRUE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(false, true, false, true));
}

TEST_F(InstanceWatchTest, NothingBeginsThatCouldNotBeProtected) {
  answer_ = absl::InvalidArgumentError("the instance is not in InService");
  EXPECT_FALSE(Begin().ok());
  EXPECT_FALSE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(true, true));
  answer_ = absl::OkStatus();
  EXPECT_TRUE(Begin().ok());
  EXPECT_TRUE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(true, true, true));
}

TEST_F(InstanceWatchTest, WhatNobodyKnowsToHaveBeenGivenUpIsTakenAnew) {
  EXPECT_TRUE(Begin().ok());
  busy_ = false;
  answer_ = absl::UnavailableError("the answer was lost");
  Look(10s);
  Look();
  EXPECT_THAT(calls_, ElementsAre(true, false, false));
  EXPECT_THAT(errors_.told, ElementsAre("scale-in protection"));
  answer_ = absl::OkStatus();
  EXPECT_TRUE(Begin().ok());
  EXPECT_THAT(calls_, ElementsAre(true, false, false, true));
}

TEST(ScaleInProtectionTest, WhoBeginsWhileItIsGivenUpWaitsAndTakesItAnew) {
  std::vector<bool> calls;
  std::latch giving_up(1);
  std::atomic<bool> busy = false;
  FakeClock clock;
  ScaleInProtection protection({.protect =
                                    [&](const Context&, bool from_scale_in) {
                                      if (!from_scale_in) {
                                        giving_up.count_down();
                                        // Only what begins now ends this.
                                        while (!busy) std::this_thread::yield();
                                      }
                                      calls.push_back(from_scale_in);
                                      return absl::OkStatus();
                                    },
                                .clock = &clock});
  ASSERT_TRUE(protection.Hold({}).ok());
  clock.Advance(1h);
  std::jthread watch([&] { EXPECT_TRUE(protection.Review({}, [&] { return busy.load(); }).ok()); });
  giving_up.wait();
  busy = true;
  EXPECT_TRUE(protection.Hold({}).ok());
  EXPECT_THAT(calls, ElementsAre(true, false, true));
}

TEST(ScaleInProtectionTest, WhoIsBusyWhenItIsLookedAtKeepsIt) {
  std::vector<bool> calls;
  FakeClock clock;
  ScaleInProtection protection({.protect =
                                    [&](const Context&, bool from_scale_in) {
                                      calls.push_back(from_scale_in);
                                      return absl::OkStatus();
                                    },
                                .clock = &clock});
  ASSERT_TRUE(protection.Hold({}).ok());
  clock.Advance(1h);
  // It has become busy and has not asked yet.
  EXPECT_TRUE(protection.Review({}, [] { return true; }).ok());
  EXPECT_TRUE(protection.Hold({}).ok());
  EXPECT_THAT(calls, ElementsAre(true));
}

TEST_F(InstanceWatchTest, AnErrorIsNoNotice) {
  notice_ = absl::UnavailableError("gone");
  Look();
  Look();
  EXPECT_THAT(left_, IsEmpty());
  EXPECT_THAT(errors_.told, ElementsAre("notice"));
}

TEST(InstanceWatchThreadTest, LooksByItselfUntilItIsDestroyed) {
  std::mutex mutex;
  std::condition_variable changed;
  int looks = 0;
  {
    const InstanceWatch watch({.notice = [&](const Context&) -> Result<std::string> {
                                 const std::lock_guard lock(mutex);
                                 ++looks;
                                 changed.notify_all();
                                 return std::string();
                               },
                               .every = 1ms});
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return looks >= 3; });
  }
  EXPECT_GE(looks, 3);
}

}  // namespace
}  // namespace nanogrid
