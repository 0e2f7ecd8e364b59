// Watches the machine that a worker runs on: leaves in time when it goes away, and lets it be
// chosen for that while no jobs run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "fleet/scale_in_protection.h"
#include "nanogrid/context.h"
#include "nanogrid/observer.h"

namespace nanogrid {

struct InstanceWatchParts {
  // Why the machine will be gone soon; empty: nothing is known.
  std::function<Result<std::string>(const Context&)> notice{};
  ScaleInProtection* protection = nullptr;  // null: nobody chooses
  std::function<bool()> busy{};
  // Called once.
  std::function<void(const std::string& why)> leave{};
  Duration every = std::chrono::seconds(2);
  Observer* observer = &Observer::None();  // is told of the first error in a row
};

// One look, without clock and thread.
class InstanceWatchState {
 public:
  explicit InstanceWatchState(InstanceWatchParts parts) : parts_(std::move(parts)) {}
  void Look(const Context& context);

 private:
  void LookForNotice(const Context& context);
  void Tell(bool& failing, std::string_view where, const Status& status);

  const InstanceWatchParts parts_;
  bool left_ = false;
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
