// Boost.JSON behind a small door: bounded depth, our errors, one translation unit that pays for it.
#pragma once

#include <cstddef>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

inline constexpr size_t kMaxJsonDepth = 128;

// OK if `text` is one JSON value, valid UTF-8, at most kMaxJsonDepth deep. Does not build it.
Status CheckJson(std::string_view text);

}  // namespace nanogrid
