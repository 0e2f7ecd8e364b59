// Keeps the machine of a worker from being chosen for scale-in from before its first job begins
// until it has been idle for a while.
#pragma once

#include <functional>
#include <mutex>

#include "nanogrid/clock.h"
#include "nanogrid/context.h"

namespace nanogrid {

struct ScaleInProtectionParts {
  // Whether the machine must not be chosen.
  std::function<Status(const Context&, bool)> protect{};
  // A machine is free to be chosen once it has been idle for so long: between two jobs it is not.
  Duration idle_before_release = std::chrono::seconds(20);
  const Clock* clock = &Clock::System();
};

// Protection is taken and given up one call after the other: whoever asks to begin a job while it
// is given up waits, and then takes it anew. Thread-safe.
class ScaleInProtection {
 public:
  explicit ScaleInProtection(ScaleInProtectionParts parts) : parts_(std::move(parts)) {}

  // Before a job begins: OK once the machine is protected. An error: it may be on its way out, and
  // the job belongs elsewhere.
  Status Hold(const Context& context);
  // From time to time: gives the protection up when it has not been needed for long enough. `busy`
  // is asked while nobody can begin; who asks to begin must be busy for it already.
  Status Review(const Context& context, const std::function<bool()>& busy);

 private:
  Status Set(const Context& context, bool is_protected);  // with the lock held

  const ScaleInProtectionParts parts_;
  std::mutex mutex_;
  bool known_ = false;  // not before the first call, nor after an error
  bool is_protected_ = false;
  TimePoint last_needed_ = TimePoint::min();
};

}  // namespace nanogrid
