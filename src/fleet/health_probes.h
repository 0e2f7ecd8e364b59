// Asks every part whether it answers, all at the same time and never for long.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/health.h"
#include "nanogrid/observer.h"

namespace nanogrid {

struct Probe {
  std::string name{};
  std::function<Status(const Context&)> ask{};  // OK: it answers
};

struct ProbeOptions {
  Duration timeout = std::chrono::seconds(2);
  Duration trust = std::chrono::seconds(1);  // how long an answer counts
  const Clock* clock = &Clock::System();
  Observer* observer = &Observer::None();  // is told when a part stops answering
};

// One thread for each part: one that does not come back, whatever its context says, is down and
// holds up nothing but its own thread.
class HealthProbes final : public Health {
 public:
  HealthProbes(std::vector<Probe> probes, const ProbeOptions& options);

  std::vector<Dependency> Check() override;
  std::vector<Dependency> Last() const override;
  // From now on the process ends, whatever its parts say.
  void SetEnding();

 private:
  struct Part {
    Probe probe{};
    uint64_t asked = 0;     // rounds
    uint64_t answered = 0;  // the round of `answer`
    Dependency answer{};
  };

  void Ask(Part& part, const std::stop_token& stop);
  std::vector<Dependency> Collect() const;  // with mutex_

  const ProbeOptions options_;
  std::mutex check_mutex_;  // one round at a time
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Part> parts_;
  bool ending_ = false;
  TimePoint checked_ = TimePoint::min();
  std::vector<Dependency> last_;
  std::vector<std::jthread> threads_;  // last: they use the rest
};

}  // namespace nanogrid
