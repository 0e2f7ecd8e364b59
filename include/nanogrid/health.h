// Whether a process can do its work: what it depends on, and how that is.
#pragma once

#include <string>
#include <vector>

#include "nanogrid/context.h"

namespace nanogrid {

struct Dependency {
  std::string name{};  // "queue"
  Status status{};     // OK: it answered
  Duration took{};
};

// Thread-safe.
class Health {
 public:
  virtual ~Health() = default;
  // Looks, for a few seconds at most. What was seen within the last second is told again.
  virtual std::vector<Dependency> Check() = 0;
  // What was seen last, without looking; empty if nobody has looked.
  virtual std::vector<Dependency> Last() const = 0;
};

}  // namespace nanogrid
