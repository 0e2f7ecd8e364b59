// Watches the machine that a worker runs on: leaves in time when it goes away, and keeps it from
// being chosen for that while jobs run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "nanogrid/context.h"
#include "nanogrid/observer.h"

namespace nanogrid {

struct InstanceWatchParts {
  // Why the machine will be gone soon; empty: nothing is known.
  std::function<Result<std::string>(const Context&)> notice{};
  // Whether the machine must not be chosen. Null: nobody chooses.
  std::function<Status(const Context&, bool)> protect{};
  std::function<bool()> busy{};
  // Called once.
  std::function<void(const std::string& why)> leave{};
  Duration every = std::chrono::seconds(2);
  // A machine is free to be chosen once it has been idle for so long: between two jobs it is not.
  Duration idle_before_release = std::chrono::seconds(20);
  Observer* observer = &Observer::None();  // is told of the first error in a row
};

// One look, without clock and thread.
class InstanceWatchState {
 public:
  explicit InstanceWatchState(InstanceWatchParts parts) : parts_(std::move(parts)) {}
  void Look(const Context& context, TimePoint now);

 private:
  void LookForNotice(const Context& context);
  void LookAfterProtection(const Context& context, TimePoint now);
  void Tell(bool& failing, std::string_view where, const Status& status);

  const InstanceWatchParts parts_;
  bool left_ = false;
  bool is_protected_ = false;
  bool known_ = false;  // whether is_protected_ is so: not before the first call
  TimePoint last_busy_ = TimePoint::min();
  bool notice_fails_ = false;
  bool protection_fails_ = false;
};

class InstanceWatch {
 public:
  explicit InstanceWatch(InstanceWatchParts parts);

 private:
  const Duration every_;
  InstanceWatchState state_;
  std::jthread thread_;  // last: uses the rest
};

}  // namespace nanogrid
