// Names of files inside a function's code: which are accepted, and how they are shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

// The relative path that `name` of an archive or directory entry stands for: without leading "./"
// and trailing "/"; empty for the code's own directory. InvalidArgument for what could name a file
// elsewhere, or could not be shown: absolute, "..", backslash, control characters, not UTF-8, too
// long or deep.
Result<std::string> NormalizeCodePath(std::string_view name, uint32_t max_bytes);

// OK if `target` can be the text of a link. Where it leads is checked with the whole listing.
Status CheckLinkTarget(std::string_view path, std::string_view target, uint32_t max_bytes);

// Whether code is taken in without this path: version control and caches (.git, __pycache__,
// node_modules/.cache), which differ from machine to machine and which no function needs.
bool IsIgnoredCodePath(std::string_view path);

// A hostile name for a message: quoted, printable, at most some 200 bytes.
std::string QuoteName(std::string_view name);

}  // namespace nanogrid
