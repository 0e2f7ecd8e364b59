// One of several processes acts: who makes an object first leads for a while.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nanogrid/clock.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Time is cut into terms of equal length. Whoever creates the object of a term leads in it, whoever
// led in the last one tries first, so that leadership stays where it is. Not thread-safe.
class Leadership {
 public:
  // `prefix`: of the objects' keys. No store: always leads.
  Leadership(std::shared_ptr<ObjectStore> objects, std::string prefix, Duration term);

  // Whether this process leads now. Ask several times in a term. An error: not known, so no.
  Result<bool> Leads(const Context& context, SystemTime now);

 private:
  std::string KeyOf(int64_t term) const;

  const std::shared_ptr<ObjectStore> objects_;
  const std::string prefix_;
  const Duration term_;
  int64_t asked_ = -1;  // the term that was decided last
  bool leads_ = false;  // in it
};

}  // namespace nanogrid
