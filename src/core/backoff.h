// How long to wait before a call is tried again, and the waiting.
#pragma once

#include <cstdint>

#include "nanogrid/context.h"

namespace nanogrid {

struct BackoffOptions {
  Duration base = std::chrono::milliseconds(50);  // longest wait before the first repetition
  Duration cap = std::chrono::seconds(20);        // longest wait ever
};

// Full jitter: random * min(cap, base * 2^retry). `retry` counts from 0; `random` is in [0, 1].
// Spread over the whole span, because callers that failed together come back together otherwise.
Duration NextDelay(const BackoffOptions& options, uint32_t retry, double random);

// Sleeps. OK once `delay` has passed; Cancelled as soon as stop is requested, DeadlineExceeded at
// the deadline, if that comes first.
Status Wait(const Context& context, Duration delay);

// A number in [0, 1) for NextDelay, from a generator per thread. Not for secrets.
double RandomFraction();

// The waits of one call that is tried several times. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options = {}) : options_(options) {}

  // Sleeps as Wait does, longer each time; at least as long as the server asked for (Retry-After).
  Status WaitNext(const Context& context, Duration at_least = Duration::zero());
  void Reset() { retry_ = 0; }
  uint32_t retries() const { return retry_; }  // since Reset

 private:
  BackoffOptions options_;
  uint32_t retry_ = 0;
};

}  // namespace nanogrid
