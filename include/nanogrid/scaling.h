// How many workers there should be. Pure: what is known goes in with the time, a size comes out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nanogrid/context.h"

namespace nanogrid {

struct FleetState {
  uint64_t backlog = 0;     // jobs that wait
  uint32_t workers = 0;     // running or starting
  uint32_t slots = 1;       // jobs that one worker runs at once
  double utilisation = 0;   // busy share of all slots, 0..1
  Duration service_time{};  // mean time of one job; 0: not known yet
};

struct ScalingDecision {
  uint32_t workers = 0;  // how many there should be
  std::string reason{};  // for people
};

// Not thread-safe: remembers what it saw. Ask regularly, with times that never go back.
class ScalingPolicy {
 public:
  virtual ~ScalingPolicy() = default;
  virtual ScalingDecision Decide(const FleetState& fleet, TimePoint now) = 0;
};

struct ScalingBounds {
  uint32_t min_workers = 2;
  uint32_t max_workers = 5;
  Duration cooldown = std::chrono::seconds(300);  // after a change, before the next
};

// One more while the backlog is long, one fewer when it has been empty for a while.
struct StepScalingOptions {
  ScalingBounds bounds{};
  uint64_t scale_out_backlog = 10;
  Duration scale_in_after = std::chrono::minutes(3);
};
// InvalidArgument: min_workers > max_workers, max_workers 0.
Result<std::unique_ptr<ScalingPolicy>> MakeStepScaling(const StepScalingOptions& options = {});

// As many as it takes to work off the backlog in `target_delay`, by the measured service time; at
// once when more are needed, after the cooldown and one by one when fewer are.
struct BacklogScalingOptions {
  ScalingBounds bounds{};
  Duration target_delay = std::chrono::seconds(30);
  double target_utilisation = 0.7;
};
// InvalidArgument also: target_delay or target_utilisation not positive.
Result<std::unique_ptr<ScalingPolicy>> MakeBacklogScaling(
    const BacklogScalingOptions& options = {});

}  // namespace nanogrid
