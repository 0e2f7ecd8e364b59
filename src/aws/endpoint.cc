#include "aws/endpoint.h"

#include <algorithm>

#include "core/errors.h"
#include "http/target.h"

namespace nanogrid::aws {

Result<Endpoint> ParseEndpoint(std::string_view url) {
  if (url.find('@') != std::string_view::npos) {
    return InvalidArgument(
        "endpoint: must not hold a user or password; credentials come from the environment");
  }
  const auto wrong = [url] {
    return InvalidArgument("endpoint '{}': must be http://host[:port] or https://host[:port]", url);
  };
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return wrong();
  const std::string_view rest = url.substr(tls ? 8 : 7);
  const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  Endpoint endpoint{.authority = std::string(rest.substr(0, slash)),
                    .path = std::string(rest.substr(slash))};
  endpoint.server = (tls ? "https://" : "http://") + endpoint.authority;
  while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
  const Result<HttpTarget> target = ParseTarget(endpoint.path.empty() ? "/" : endpoint.path);
  const bool host = !endpoint.authority.empty() && endpoint.authority[0] != ':' &&
                    std::all_of(endpoint.authority.begin(), endpoint.authority.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') ||
                             std::string_view("-._:[]").find(c) != std::string_view::npos;
                    });
  if (!host || !target.ok() || !target->query.empty()) return wrong();
  return endpoint;
}

Status CheckRegion(std::string_view region) {
  const bool valid = !region.empty() && region.size() <= 63 &&
                     std::all_of(region.begin(), region.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                     });
  if (valid) return absl::OkStatus();
  return InvalidArgument(
      "region '{}': must be lower-case letters, digits and '-', such as eu-west-1", region);
}

std::string_view DomainOf(std::string_view region) {
  if (region.starts_with("cn-")) return "amazonaws.com.cn";
  if (region.starts_with("us-iso-")) return "c2s.ic.gov";
  if (region.starts_with("us-isob-")) return "sc2s.sgov.gov";
  if (region.starts_with("eusc-")) return "amazonaws.eu";
  return "amazonaws.com";
}

Result<Endpoint> RegionalEndpoint(std::string_view service_host, std::string_view region) {
  NANOGRID_RETURN_IF_ERROR(CheckRegion(region));
  return ParseEndpoint(fmt::format("https://{}.{}.{}", service_host, region, DomainOf(region)));
}

}  // namespace nanogrid::aws
