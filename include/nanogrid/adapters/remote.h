// A controller somewhere else, spoken to over HTTP (docs/http-api.md), as if it were here.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/controller.h"

namespace nanogrid {

struct RemoteOptions {
  std::string server{};      // "http[s]://host[:port][/prefix]"
  std::string token{};       // of its token file; empty: none
  CodeLimits code_limits{};  // on code that is packed here and sent
};

// Nothing is connected before the first call. Thread-safe; calls from several threads use a
// connection each. Unavailable: the controller cannot be reached. InvalidArgument names what is
// wrong with the URL.
Result<std::unique_ptr<Controller>> ConnectController(const RemoteOptions& options);

}  // namespace nanogrid
