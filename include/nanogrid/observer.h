// What happens inside an engine, told as it happens: the seam for metrics, traces and logs.
#pragma once

#include <string_view>

#include "nanogrid/context.h"
#include "nanogrid/job.h"

namespace nanogrid {

// Every method may be called from any thread, also while engine locks are NOT held, and should
// return quickly: it runs on the invoking thread. Strings live only during the call. No payload and
// no environment value is ever passed. The defaults do nothing.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void OnInvocationStart(std::string_view function, uint64_t version,
                                 std::string_view request_id);
  virtual void OnInvocationEnd(std::string_view function, uint64_t version,
                               std::string_view request_id, const Outcome& outcome);
  virtual void OnInstanceStart(std::string_view function, uint64_t version, Duration took);
  // `reason`: "keep-alive", "surplus" (beyond max_idle), "memory pressure", "ended", "removed",
  // "shutdown".
  virtual void OnInstanceStop(std::string_view function, uint64_t version, std::string_view reason);
  // An error that no caller could be given, such as one of the background thread.
  virtual void OnError(std::string_view where, const Status& status);

  // Ignores everything. Never destroyed.
  static Observer& None();
};

}  // namespace nanogrid
