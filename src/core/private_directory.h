// Where a local engine keeps files for its sandboxes.
#pragma once

#include "core/scratch_directory.h"

namespace nanogrid {

// A directory of this user below $TMPDIR or /tmp (or /var/tmp, if programs cannot be executed
// there), which others can pass through but not list. Removes those of processes that were killed.
Result<ScratchDirectory> MakePrivateDirectory();

}  // namespace nanogrid
