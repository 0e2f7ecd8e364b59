#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

#include "core/errors.h"

namespace nanogrid {

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto wrong = [text] {
    return InvalidArgument(
        "listen '{}': must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080", text);
  };
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return wrong();
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return wrong();

  std::string_view host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  const bool brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  address.host = brackets ? host.substr(1, host.size() - 2) : host;
  in_addr v4 = {};
  in6_addr v6 = {};
  if (!brackets && inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    address.loopback = (ntohl(v4.s_addr) >> 24) == 127;
  } else if (brackets && inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) {
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
  } else {
    return wrong();
  }
  return address;
}

std::string FormatAddress(std::string_view host, uint16_t port) {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

}  // namespace nanogrid
