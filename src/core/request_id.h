// Names for invocations.
#pragma once

#include <string>

namespace nanogrid {

// A random UUID (version 4) in lower case. Thread-safe, no state: safe across fork.
std::string MakeRequestId();

}  // namespace nanogrid
