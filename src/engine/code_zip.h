// Reads zip archives from people we do not trust.
#pragma once

#include <string_view>

#include "engine/code_listing.h"

namespace nanogrid {

// InvalidArgument names the entry that is refused, and why. Permission bits count if the archive
// has Unix ones. Links inside the code are kept.
Result<CodeListing> ReadZip(std::string_view archive, const CodeLimits& limits);

}  // namespace nanogrid
