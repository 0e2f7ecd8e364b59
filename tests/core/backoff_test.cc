#include "core/backoff.h"

#include <gtest/gtest.h>

#include <thread>

namespace nanogrid {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToTheCap) {
  const BackoffOptions options{.base = milliseconds(100), .cap = seconds(3)};
  EXPECT_EQ(NextDelay(options, 0, 1), milliseconds(100));
  EXPECT_EQ(NextDelay(options, 1, 1), milliseconds(200));
  EXPECT_EQ(NextDelay(options, 4, 1), milliseconds(1600));
  EXPECT_EQ(NextDelay(options, 5, 1), seconds(3));
  EXPECT_EQ(NextDelay(options, 63, 1), seconds(3));
  EXPECT_EQ(NextDelay(options, 4'000'000'000, 1), seconds(3));
}

TEST(Backoff, JitterCoversTheWholeSpan) {
  const BackoffOptions options{.base = milliseconds(100), .cap = seconds(3)};
  EXPECT_EQ(NextDelay(options, 3, 0), Duration::zero());
  EXPECT_EQ(NextDelay(options, 3, 0.25), milliseconds(200));
  EXPECT_EQ(NextDelay(options, 9, 0.5), milliseconds(1500));
}

TEST(Backoff, OddOptionsGiveNoOddDelays) {
  EXPECT_EQ(NextDelay({.base = -seconds(1), .cap = seconds(1)}, 3, 1), Duration::zero());
  EXPECT_EQ(NextDelay({.base = seconds(1), .cap = -seconds(1)}, 3, 1), Duration::zero());
  EXPECT_EQ(NextDelay({.base = seconds(1), .cap = seconds(4)}, 9, 7), seconds(4));
  EXPECT_EQ(NextDelay({.base = Duration::max(), .cap = Duration::max()}, 9, 1), Duration::max());
  EXPECT_GT(NextDelay({.base = Duration::max(), .cap = Duration::max()}, 9, 0.5), hours(1));
}

TEST(Backoff, RandomFractionsDiffer) {
  const double first = RandomFraction();
  const double second = RandomFraction();
  EXPECT_GE(first, 0);
  EXPECT_LT(first, 1);
  EXPECT_NE(first, second);
}

TEST(Backoff, WaitsOut) {
  const TimePoint start = std::chrono::steady_clock::now();
  EXPECT_TRUE(Wait(Context{}, milliseconds(5)).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(5));
  EXPECT_TRUE(Wait(Context{}, -seconds(1)).ok());
}

TEST(Backoff, ADeadlineEndsTheWait) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(Wait(Context::WithTimeout(milliseconds(1)), hours(1))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Wait(Context::WithTimeout(-seconds(1)), Duration::zero())));
}

TEST(Backoff, AStopWakesTheSleeper) {
  for (const Duration delay : {Duration(hours(1)), Duration::max()}) {
    std::stop_source stop;
    const std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_TRUE(absl::IsCancelled(Wait(Context::WithStop(stop.get_token()), delay)));
  }
}

TEST(Backoff, CountsItsWaitsAndHeedsWhatTheServerAskedFor) {
  Backoff backoff({.base = milliseconds(1), .cap = milliseconds(1)});
  const TimePoint start = std::chrono::steady_clock::now();
  EXPECT_TRUE(backoff.WaitNext(Context{}, milliseconds(7)).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(7));
  EXPECT_TRUE(backoff.WaitNext(Context{}).ok());
  EXPECT_EQ(backoff.retries(), 2u);
  backoff.Reset();
  EXPECT_EQ(backoff.retries(), 0u);
}

}  // namespace
}  // namespace nanogrid
