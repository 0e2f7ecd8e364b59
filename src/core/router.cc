#include "nanogrid/router.h"

#include "core/errors.h"

namespace nanogrid {
namespace {

class ThresholdRouter final : public Router {
 public:
  explicit ThresholdRouter(double threshold) : threshold_(threshold) {}

  Route Choose(const PoolState& baseline, const PoolState& burst) const override {
    if (baseline.healthy && baseline.utilisation < threshold_) {
      return {Pool::kBaseline, "the baseline has room"};
    }
    const char* const why = baseline.healthy ? "the baseline is busy" : "the baseline is unhealthy";
    if (burst.healthy) return {Pool::kBurst, why};
    if (baseline.healthy)
      return {Pool::kBaseline, "the baseline is busy, the burst pool unhealthy"};
    return {Pool::kBurst, "both pools are unhealthy"};
  }

 private:
  double threshold_;
};

}  // namespace

std::string_view ToString(Pool pool) { return pool == Pool::kBaseline ? "baseline" : "burst"; }

Result<std::unique_ptr<Router>> MakeThresholdRouter(double threshold) {
  if (!(threshold > 0 && threshold <= 1)) {
    return InvalidArgument("threshold: {}, must be above 0 and at most 1", threshold);
  }
  return std::make_unique<ThresholdRouter>(threshold);
}

}  // namespace nanogrid
