// The body of an ERROR frame: what a runtime says about an exception. It is hostile.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/job.h"

namespace nanogrid {

// {"type", "message", "stack"} as strings; what is missing or of another type stays empty. A body
// that is no such object at all becomes the message.
FunctionError ParseFunctionError(std::string_view body);

}  // namespace nanogrid
