// A Lua script that the server keeps under its digest.
#pragma once

#include <string>

namespace nanogrid::redis {

// Immutable. Its ARGV begins with the key prefix; it declares no keys, as only a cluster needs
// them.
struct Script {
  explicit Script(std::string lua);

  const std::string text;
  const std::string digest;  // SHA-1, hexadecimal
};

}  // namespace nanogrid::redis
