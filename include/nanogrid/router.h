// Which pool takes a job: the steady one, or the one that is there for bursts. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "nanogrid/context.h"

namespace nanogrid {

enum class Pool { kBaseline, kBurst };
std::string_view ToString(Pool pool);  // "baseline", "burst"

struct PoolState {
  bool healthy = false;
  double utilisation = 0;  // 0..1
};

struct Route {
  Pool pool = Pool::kBaseline;
  std::string reason{};  // for people
};

// Thread-safe if Choose is: the one below has no state.
class Router {
 public:
  virtual ~Router() = default;
  virtual Route Choose(const PoolState& baseline, const PoolState& burst) const = 0;
};

// The baseline while it is healthy and below `threshold`; then the burst pool if that is healthy;
// else the baseline, if it is healthy; else the burst pool. InvalidArgument unless 0 < threshold
// <= 1.
Result<std::unique_ptr<Router>> MakeThresholdRouter(double threshold = 0.7);

}  // namespace nanogrid
