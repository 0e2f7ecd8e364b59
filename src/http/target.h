// The target of a request: path and query, decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid {

struct HttpTarget {
  std::string authority{};              // of "http://authority/path"; usually empty
  std::vector<std::string> segments{};  // of the path, decoded: "/v1/jobs" has two, "/" one, empty
  std::vector<std::pair<std::string, std::string>> query{};  // decoded, in their order
};

// InvalidArgument: neither "/…" nor "http://…", characters that must be encoded, broken escapes, a
// NUL, or what is not UTF-8 once it is decoded. A '+' in the query is a space.
Result<HttpTarget> ParseTarget(std::string_view target);

}  // namespace nanogrid
