// How much memory the host has left.
#pragma once

#include <cstdint>
#include <optional>

namespace nanogrid {

// Bytes that programs could still take without swapping: MemAvailable of /proc/meminfo; none if it
// cannot be read.
std::optional<uint64_t> AvailableMemory();

}  // namespace nanogrid
