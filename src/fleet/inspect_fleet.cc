#include <algorithm>
#include <utility>

#include "fleet/fleet_health.h"
#include "fleet/redis_options.h"
#include "nanogrid/adapters/fleet.h"

namespace nanogrid {
namespace {

// For errors that tell what is wrong and not what to do.
std::string FixFor(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return "see that it runs, and that this machine reaches it: address, port, firewall, TLS";
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return "see who this process is to it, and what they may do there";
    case absl::StatusCode::kNotFound:
      return "make it, or correct the name";
    default:
      return "";
  }
}

void AddRedisWarnings(const FleetConfig& config, FleetFinding& finding) {
  const Result<Uri> uri = Uri::Parse(finding.uri);
  if (!uri.ok() || (uri->scheme != "redis" && uri->scheme != "rediss")) return;
  const Result<RedisOptions> options = RedisOptionsOf(config, *uri);
  if (options.ok()) finding.warnings = CheckRedis(*options).warnings;
}

}  // namespace

std::vector<FleetFinding> InspectFleet(const FleetConfig& config) {
  FleetParts parts;
  std::vector<FleetFinding> findings;
  for (FleetPart& part : OpenFleetParts(config, parts)) {
    findings.push_back({.setting = std::move(part.setting),
                        .uri = std::move(part.uri),
                        .status = std::move(part.status)});
  }
  for (const Dependency& asked : MakeFleetHealth(parts)->Check()) {
    const auto found = std::find_if(
        findings.begin(), findings.end(),
        [&asked](const FleetFinding& finding) { return finding.setting == asked.name; });
    if (found != findings.end() && found->status.ok()) found->status = asked.status;
  }
  for (FleetFinding& finding : findings) {
    if (finding.status.ok()) {
      AddRedisWarnings(config, finding);
    } else {
      finding.fix = FixFor(finding.status);
    }
  }
  return findings;
}

}  // namespace nanogrid
