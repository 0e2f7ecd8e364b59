// Reads a function's code from wherever its owner has it.
#pragma once

#include "engine/code_listing.h"

namespace nanogrid {

// InvalidArgument names the file or entry and the rule or limit it breaks; NotFound and the like if
// the path cannot be read.
Result<CodeListing> LoadCode(const Code& code, const CodeLimits& limits);

}  // namespace nanogrid
