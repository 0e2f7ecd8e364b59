// Which paths there are, and what they take.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/target.h"

namespace nanogrid {

enum class Route {
  kHealth,
  kReady,
  kLive,
  kMetrics,
  kOpenApi,
  kPutFunction,
  kGetFunction,
  kRemoveFunction,
  kListFunctions,
  kListVersions,
  kInvoke,
  kSubmit,
  kListJobs,
  kGetJob,
  kCancel,
  kRetry,
  kResult,
  kFiles,
  kFile,
  kLogs,
  kJobEvents,
  kEvents,
};

struct RouteInfo {
  Route route;
  std::string_view method;
  std::string_view path;  // "{…}" stands for any one segment
  enum class Body { kNone, kEvent, kCode } body;
};
// In the order of Route.
std::span<const RouteInfo> Routes();

struct RouteMatch {
  const RouteInfo* route = nullptr;  // null: no such path, or not with this method
  std::string parameter{};           // what stood for "{…}"
  std::string allowed{};             // methods that this path has, "GET, HEAD"; empty: no such path
};
// HEAD is GET.
RouteMatch MatchRoute(std::string_view method, const HttpTarget& target);

}  // namespace nanogrid
