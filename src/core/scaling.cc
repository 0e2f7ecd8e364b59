#include "nanogrid/scaling.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/errors.h"

namespace nanogrid {
namespace {

Status CheckBounds(const ScalingBounds& bounds) {
  if (bounds.max_workers == 0) return InvalidArgument("max_workers: 0, must be at least 1");
  if (bounds.min_workers > bounds.max_workers) {
    return InvalidArgument("min_workers: {} exceeds max_workers, {}", bounds.min_workers,
                           bounds.max_workers);
  }
  return absl::OkStatus();
}

uint32_t Clamp(double workers, const ScalingBounds& bounds) {
  return static_cast<uint32_t>(std::clamp<double>(workers, bounds.min_workers, bounds.max_workers));
}

// What all policies share: the bounds hold at once, and changes keep their distance.
class BoundedScaling : public ScalingPolicy {
 public:
  explicit BoundedScaling(const ScalingBounds& bounds) : bounds_(bounds) {}

 protected:
  std::optional<ScalingDecision> OutOfBounds(const FleetState& fleet, TimePoint now) {
    if (fleet.workers < bounds_.min_workers) {
      return Change(bounds_.min_workers, "below the minimum", now);
    }
    if (fleet.workers > bounds_.max_workers) {
      return Change(bounds_.max_workers, "above the maximum", now);
    }
    return std::nullopt;
  }
  ScalingDecision Change(uint32_t workers, std::string reason, TimePoint now) {
    last_change_ = now;
    return {workers, std::move(reason)};
  }
  bool IsCoolingDown(TimePoint now) const {
    return last_change_ && now - *last_change_ < bounds_.cooldown;
  }
  const ScalingBounds& bounds() const { return bounds_; }

 private:
  ScalingBounds bounds_;
  std::optional<TimePoint> last_change_;
};

class StepScaling final : public BoundedScaling {
 public:
  explicit StepScaling(const StepScalingOptions& options)
      : BoundedScaling(options.bounds), options_(options) {}

  ScalingDecision Decide(const FleetState& fleet, TimePoint now) override {
    if (fleet.backlog > 0) {
      empty_since_.reset();
    } else if (!empty_since_) {
      empty_since_ = now;
    }
    if (const auto decision = OutOfBounds(fleet, now)) return *decision;
    if (IsCoolingDown(now)) return {fleet.workers, "cooling down after the last change"};
    if (fleet.backlog >= options_.scale_out_backlog) {
      if (fleet.workers == bounds().max_workers) return {fleet.workers, "at the maximum"};
      return Change(
          fleet.workers + 1,
          fmt::format("backlog {} is at least {}", fleet.backlog, options_.scale_out_backlog), now);
    }
    if (empty_since_ && now - *empty_since_ >= options_.scale_in_after) {
      if (fleet.workers == bounds().min_workers) return {fleet.workers, "at the minimum"};
      return Change(fleet.workers - 1, "the backlog has been empty for long enough", now);
    }
    return {fleet.workers, "nothing to change"};
  }

 private:
  StepScalingOptions options_;
  std::optional<TimePoint> empty_since_;
};

class BacklogScaling final : public BoundedScaling {
 public:
  explicit BacklogScaling(const BacklogScalingOptions& options)
      : BoundedScaling(options.bounds), options_(options) {}

  ScalingDecision Decide(const FleetState& fleet, TimePoint now) override {
    if (const auto decision = OutOfBounds(fleet, now)) return *decision;
    const uint32_t wanted = Clamp(std::max(ForBacklog(fleet), ForLoad(fleet)), bounds());
    if (wanted > fleet.workers) {
      return Change(wanted, fmt::format("backlog {} takes {} workers", fleet.backlog, wanted), now);
    }
    if (wanted < fleet.workers && !IsCoolingDown(now)) {
      return Change(fleet.workers - 1, fmt::format("{} workers are enough", wanted), now);
    }
    return {fleet.workers,
            wanted < fleet.workers ? "cooling down after the last change" : "nothing to change"};
  }

 private:
  // Little's law: what waits now, done within the target delay.
  double ForBacklog(const FleetState& fleet) const {
    if (fleet.backlog == 0) return 0;
    // Not known yet: as if each job took the target delay.
    const Duration each =
        fleet.service_time > Duration::zero() ? fleet.service_time : options_.target_delay;
    const double slots = static_cast<double>(fleet.backlog) * static_cast<double>(each.count()) /
                         static_cast<double>(options_.target_delay.count());
    // What is busy already does not take from the backlog for as long as it lasts.
    const double busy = fleet.utilisation * fleet.workers;
    return std::ceil(busy + slots / std::max(1u, fleet.slots));
  }
  double ForLoad(const FleetState& fleet) const {
    return std::ceil(fleet.utilisation * fleet.workers / options_.target_utilisation);
  }

  BacklogScalingOptions options_;
};

}  // namespace

Result<std::unique_ptr<ScalingPolicy>> MakeStepScaling(const StepScalingOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckBounds(options.bounds));
  return std::make_unique<StepScaling>(options);
}

Result<std::unique_ptr<ScalingPolicy>> MakeBacklogScaling(const BacklogScalingOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckBounds(options.bounds));
  if (options.target_delay <= Duration::zero()) {
    return InvalidArgument("target_delay: {} ns, must be positive", options.target_delay.count());
  }
  if (!(options.target_utilisation > 0 && options.target_utilisation <= 1)) {
    return InvalidArgument("target_utilisation: {}, must be above 0 and at most 1",
                           options.target_utilisation);
  }
  return std::make_unique<BacklogScaling>(options);
}

}  // namespace nanogrid
