// What an error of the server means to who called.
#pragma once

#include <string_view>

#include "nanogrid/status.h"
#include "redis/resp.h"

namespace nanogrid::redis {

// Of an error reply's text ("OOM command not allowed …"), by what can be done next (status.h).
Status ErrorOf(std::string_view text);
// OK, or the first error among replies, looking into what EXEC answers.
Status FirstError(const std::vector<Reply>& replies);
// Whether the text begins with that code.
bool HasCode(std::string_view text, std::string_view code);

}  // namespace nanogrid::redis
