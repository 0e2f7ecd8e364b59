// How often a job is tried.
#pragma once

#include <cstdint>
#include <optional>

#include "nanogrid/clock.h"

namespace nanogrid {

// What happens when the function fails. What the engine is to blame for (a worker that died) is
// always tried again, up to a bound of the worker's.
struct RetryPolicy {
  uint32_t max_attempts = 1;                   // 1..1000; 1: never again
  Duration backoff = std::chrono::seconds(1);  // before the second attempt; doubles each time
  Duration max_backoff = std::chrono::minutes(5);
  Duration max_age = std::chrono::hours(24 * 14);  // since submission; no attempt begins later

  bool operator==(const RetryPolicy&) const = default;
};

// What one job wants otherwise than its function has it.
struct RetryChanges {
  std::optional<uint32_t> max_attempts{};
  std::optional<Duration> backoff{};
  std::optional<Duration> max_backoff{};
  std::optional<Duration> max_age{};

  RetryPolicy AppliedTo(const RetryPolicy& policy) const {
    return {.max_attempts = max_attempts.value_or(policy.max_attempts),
            .backoff = backoff.value_or(policy.backoff),
            .max_backoff = max_backoff.value_or(policy.max_backoff),
            .max_age = max_age.value_or(policy.max_age)};
  }
};

}  // namespace nanogrid
