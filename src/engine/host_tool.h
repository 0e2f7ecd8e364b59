// Programs that runtimes and compilers need in a function's root file system.
#pragma once

#include <string>

#include "nanogrid/status.h"

namespace nanogrid {

// What identifies a program without reading it; changes when it is replaced. `path` is looked up
// with `root` as "/", links included; an empty root is the host's. FailedPrecondition if it is not
// there, with `user` ("runtime 'nodejs'") and `install_hint` in the message.
Result<std::string> IdentifyTool(const std::string& root, const std::string& path,
                                 const std::string& user, const std::string& install_hint);

}  // namespace nanogrid
