// Where a service is. Pure.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid::aws {

struct Endpoint {
  std::string server{};     // "https://host[:port]", what an HTTP client connects to
  std::string authority{};  // "host[:port]": the Host header, which is signed
  std::string path{};       // before every request's path; no slash at its end
};

// "http[s]://host[:port][/path]"; InvalidArgument says what is wrong, and shows no password.
Result<Endpoint> ParseEndpoint(std::string_view url);

// AWS's own: "https://sqs.eu-west-1.amazonaws.com", ".cn" in China. InvalidArgument if `region` is
// none.
Result<Endpoint> RegionalEndpoint(std::string_view service_host, std::string_view region);

// "amazonaws.com" or what other partitions have.
std::string_view DomainOf(std::string_view region);

// Letters, digits and '-', at most 63.
Status CheckRegion(std::string_view region);

}  // namespace nanogrid::aws
