// What /metrics says, in the text format of Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "http/transport.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {

// Thread-safe.
class HttpMetrics {
 public:
  // route: one of Routes(), or -1.
  void Observe(int route, const std::string& method, int status, Duration took);
  // Adds the metrics of requests.
  void Append(std::string& text) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,   0.1,   0.5,    1,     10,   60};
  struct Histogram {
    std::array<uint64_t, kBounds.size() + 1> buckets{};
    double sum = 0;
    uint64_t count = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::tuple<int, std::string, int>, uint64_t> requests_;
  std::map<int, Histogram> durations_;
};

// Whose numbers are shown; null: those are left out.
struct MetricsSources {
  Controller* controller = nullptr;
  const Engine* engine = nullptr;
  const Worker* worker = nullptr;
  const Health* health = nullptr;
  const MoreMetrics* more = nullptr;
};

// Everything. What the controller cannot tell is left out.
std::string MetricsText(const HttpMetrics& http, const TransportStats& transport,
                        const MetricsSources& sources, const Context& context);

}  // namespace nanogrid
