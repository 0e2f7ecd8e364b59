#include "fleet/instance_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

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
    now_ += after;
    state_.Look({}, now_);
  }

  Result<std::string> notice_ = std::string();
  Status protection_;
  bool busy_ = false;
  std::vector<bool> calls_;
  std::vector<std::string> left_;
  Errors errors_;
  TimePoint now_{1h};
  InstanceWatchState state_{{.notice = [this](const Context&) { return notice_; },
                             .protect =
                                 [this](const Context&, bool from_scale_in) {
                                   calls_.push_back(from_scale_in);
                                   return protection_;
                                 },
                             .busy = [this] { return busy_; },
                             .leave = [this](const std::string& why) { left_.push_back(why); },
                             .idle_before_release = 10s,
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

TEST_F(InstanceWatchTest, ProtectsTheMachineFromTheFirstJobUntilItHasBeenIdleForAWhile) {
  Look();  // an earlier process may have left it protected
  EXPECT_THAT(calls_, ElementsAre(false));
  busy_ = true;
  Look();
  Look();
  EXPECT_THAT(calls_, ElementsAre(false, true));
  busy_ = false;
  Look(9s);
  EXPECT_THAT(calls_, ElementsAre(false, true));
  busy_ = true;
  Look();
  busy_ = false;
  Look(9s);
  EXPECT_THAT(calls_, ElementsAre(false, true));
  Look(1s);
  EXPECT_THAT(calls_, ElementsAre(false, true, false));
}

TEST_F(InstanceWatchTest, TriesAgainUntilItIsProtectedAndTellsOfTheFirstErrorOnly) {
  busy_ = true;
  protection_ = absl::UnavailableError("gone");
  Look();
  Look();
  EXPECT_THAT(calls_, ElementsAre(true, true));
  EXPECT_THAT(errors_.told, ElementsAre("scale-in protection"));
  protection_ = absl::OkStatus();
  Look();
  Look();
  EXPECT_THAT(calls_, ElementsAre(true, true, true));
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
