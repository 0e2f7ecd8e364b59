#include "core/backoff.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <random>

namespace nanogrid {

Duration NextDelay(const BackoffOptions& options, uint32_t retry, double random) {
  // In floating point, because the doubling overflows integers long before it meets the cap.
  const double base = static_cast<double>(std::max(options.base, Duration::zero()).count());
  const double cap = static_cast<double>(std::max(options.cap, Duration::zero()).count());
  const double longest = std::min(cap, base * std::exp2(std::min<uint32_t>(retry, 1000)));
  const double delay = longest * std::clamp(random, 0.0, 1.0);
  if (delay >= static_cast<double>(Duration::max().count())) return Duration::max();
  return Duration(static_cast<Duration::rep>(delay));
}

Status Wait(const Context& context, Duration delay) {
  const TimePoint start = std::chrono::steady_clock::now();
  const TimePoint until = std::min(
      context.deadline, delay < TimePoint::max() - start ? start + delay : TimePoint::max());
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  // Far deadlines in steps: the standard library adds to clocks without looking for overflows.
  constexpr Duration kStep = std::chrono::hours(24);
  for (TimePoint now = start;; now = std::chrono::steady_clock::now()) {
    if (Status status = context.Check(now); !status.ok()) return status;
    if (now >= until) return absl::OkStatus();
    never.wait_for(lock, context.stop, std::min<Duration>(until - now, kStep),
                   [] { return false; });
  }
}

double RandomFraction() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

Status Backoff::WaitNext(const Context& context, Duration at_least) {
  const Duration delay = std::max(NextDelay(options_, retry_, RandomFraction()), at_least);
  ++retry_;
  return Wait(context, delay);
}

}  // namespace nanogrid
