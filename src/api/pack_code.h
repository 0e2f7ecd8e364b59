// A function's code as a zip, to be sent.
#pragma once

#include <string>

#include "nanogrid/engine.h"

namespace nanogrid {

// Errors as LoadCode's: they name the file and the rule or limit it breaks.
Result<std::string> PackCode(const Code& code, const CodeLimits& limits);

}  // namespace nanogrid
