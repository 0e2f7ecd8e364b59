// Points in time that cannot overflow.
#pragma once

#include "nanogrid/context.h"

namespace nanogrid {

// `now` + `duration`, or never if that cannot be represented. `duration` is not negative.
inline TimePoint After(TimePoint now, Duration duration) {
  return duration < TimePoint::max() - now ? now + duration : TimePoint::max();
}

}  // namespace nanogrid
