// Where credentials come from.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/context.h"

namespace nanogrid {

// Thread-safe.
class SecretSource {
 public:
  virtual ~SecretSource() = default;

  // The secret as it is now: it may have been rotated since the last call. `name` is 1..512 bytes
  // of [A-Za-z0-9/_+=.@-], no empty, "." or ".." segment between slashes: InvalidArgument. NotFound
  // if there is none. Never log what it answers and never put it into an error.
  virtual Result<std::string> Get(const Context& context, std::string_view name) = 0;
};

}  // namespace nanogrid
