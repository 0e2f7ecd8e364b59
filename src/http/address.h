// Where to listen: an address as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

struct ListenAddress {
  std::string host{};  // an IPv4 or IPv6 address, without brackets
  uint16_t port = 0;
  bool loopback = false;
};

// "127.0.0.1:8080", "[::1]:0", "localhost:8080". InvalidArgument for all else, names included: what
// a name means changes.
Result<ListenAddress> ParseListenAddress(std::string_view text);
// "127.0.0.1:8080", "[::1]:8080".
std::string FormatAddress(std::string_view host, uint16_t port);

}  // namespace nanogrid
