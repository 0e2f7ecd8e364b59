// Writes code into a directory.
#pragma once

#include "engine/code_listing.h"

namespace nanogrid {

// Below `root`, an empty directory that nobody else writes to: files 0444 or 0555, directories
// 0755, as the sandboxed user is another one. Follows no link; what is there already is an error.
Status WriteCodeTree(int root, const CodeListing& listing);

}  // namespace nanogrid
