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
  // The secret as it is now. NotFound if there is none. Never log it, never put it into an error.
  virtual Result<std::string> Get(const Context& context, std::string_view name) = 0;
};

}  // namespace nanogrid
