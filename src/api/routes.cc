#include "api/routes.h"

#include <algorithm>
#include <array>

namespace nanogrid {
namespace {

using Body = RouteInfo::Body;

constexpr std::array kRoutes = {
    RouteInfo{Route::kHealth, "GET", "/health", Body::kNone},
    RouteInfo{Route::kReady, "GET", "/ready", Body::kNone},
    RouteInfo{Route::kLive, "GET", "/health/live", Body::kNone},
    RouteInfo{Route::kMetrics, "GET", "/metrics", Body::kNone},
    RouteInfo{Route::kOpenApi, "GET", "/v1/openapi.json", Body::kNone},
    RouteInfo{Route::kPutFunction, "PUT", "/v1/functions/{name}", Body::kCode},
    RouteInfo{Route::kGetFunction, "GET", "/v1/functions/{name}", Body::kNone},
    RouteInfo{Route::kRemoveFunction, "DELETE", "/v1/functions/{name}", Body::kNone},
    RouteInfo{Route::kListFunctions, "GET", "/v1/functions", Body::kNone},
    RouteInfo{Route::kListVersions, "GET", "/v1/functions/{name}/versions", Body::kNone},
    RouteInfo{Route::kInvoke, "POST", "/v1/functions/{name}/invoke", Body::kEvent},
    RouteInfo{Route::kSubmit, "POST", "/v1/functions/{name}/jobs", Body::kEvent},
    RouteInfo{Route::kListJobs, "GET", "/v1/jobs", Body::kNone},
    RouteInfo{Route::kGetJob, "GET", "/v1/jobs/{id}", Body::kNone},
    RouteInfo{Route::kCancel, "DELETE", "/v1/jobs/{id}", Body::kNone},
    RouteInfo{Route::kRetry, "POST", "/v1/jobs/{id}/retry", Body::kNone},
    RouteInfo{Route::kResult, "GET", "/v1/jobs/{id}/result", Body::kNone},
    RouteInfo{Route::kFiles, "GET", "/v1/jobs/{id}/files", Body::kNone},
    RouteInfo{Route::kFile, "GET", "/v1/jobs/{id}/file", Body::kNone},
    RouteInfo{Route::kLogs, "GET", "/v1/jobs/{id}/logs", Body::kNone},
    RouteInfo{Route::kJobEvents, "GET", "/v1/jobs/{id}/events", Body::kNone},
    RouteInfo{Route::kEvents, "GET", "/v1/events", Body::kNone},
};
static_assert([] {
  for (size_t i = 0; i < kRoutes.size(); ++i) {
    if (kRoutes[i].route != static_cast<Route>(i)) return false;
  }
  return true;
}());

bool Fits(std::string_view pattern, const HttpTarget& target, std::string& parameter) {
  for (const std::string& segment : target.segments) {
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);  // the slash
    const std::string_view wanted = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(wanted.size());
    if (wanted.starts_with('{')) {
      if (segment.empty()) return false;
      parameter = segment;
    } else if (segment != wanted) {
      return false;
    }
  }
  return pattern.empty();
}

}  // namespace

std::span<const RouteInfo> Routes() { return kRoutes; }

RouteMatch MatchRoute(std::string_view method, const HttpTarget& target) {
  RouteMatch match;
  if (method == "HEAD") method = "GET";
  for (const RouteInfo& route : kRoutes) {
    std::string parameter;
    if (!Fits(route.path, target, parameter)) continue;
    if (route.method == method) {
      match.route = &route;
      match.parameter = std::move(parameter);
    }
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
    if (route.method == "GET") match.allowed += ", HEAD";
  }
  return match;
}

}  // namespace nanogrid
