// How long jobs run, from samples of what happens to them.
#pragma once

#include <string>
#include <unordered_map>

#include "nanogrid/job_store.h"

namespace nanogrid {

// Not thread-safe.
class ServiceTime {
 public:
  // Looks at the events since the last call, at most a batch of them. An error changes nothing.
  Status Update(const Context& context, JobStore& jobs);
  // Mean of the latest ones; 0: not known yet.
  Duration mean() const { return mean_; }

 private:
  void LookAt(const JobEvent& event);

  std::string cursor_;
  std::unordered_map<std::string, SystemTime> started_;
  Duration mean_{};
};

}  // namespace nanogrid
