#include "api/api.h"

#include <utility>

#include "api/answers.h"
#include "api/function_code.h"
#include "api/health_answer.h"
#include "http/target.h"

// Put in by nanogrid_embed (CMakeLists.txt).
extern "C" const char api_openapi_json_begin[], api_openapi_json_end[];

namespace nanogrid {
namespace {

// Requests that wait for a thread, beyond which more would only wait longer.
constexpr size_t kMaxWaitingCalls = 20'000;
constexpr size_t kMaxWaitingRegistrations = 64;
constexpr uint64_t kIgnoredBody = 1 << 10;

HttpAdmission Refusal(HttpResponse response, int route = -1) {
  return {.refusal = std::move(response), .route = route};
}

std::string_view OpenApiText() {
  return {api_openapi_json_begin,
          static_cast<size_t>(api_openapi_json_end - api_openapi_json_begin)};
}

}  // namespace

Api::Api(Controller& controller, const HttpServerOptions& options)
    : options_(options),
      access_(options.tokens),
      calls_(controller, options, stop_.get_token()),
      pool_(options.call_threads),
      registrations_(options.registration_threads),
      health_pool_(1) {}

void Api::Stop() {
  stop_.request_stop();
  pool_.Stop();
  registrations_.Stop();
  health_pool_.Stop();
}

HttpAdmission Api::Admit(const HttpRequest& head) {
  const Result<HttpTarget> target = ParseTarget(head.target);
  if (!target.ok()) return Refusal(ErrorAnswer(target.status()));
  const RouteMatch match = MatchRoute(head.method, *target);
  const int route = match.route != nullptr ? static_cast<int>(match.route->route) : -1;
  if (match.route == nullptr || !IsHealthRoute(match.route->route)) {
    if (auto refusal = access_.Check(head, target->authority)) {
      return Refusal(*std::move(refusal), route);
    }
  }
  if (match.route == nullptr && match.allowed.empty()) {
    return Refusal(ErrorAnswer(404, "there is nothing at this path; /v1/openapi.json has a list"));
  }
  if (match.route == nullptr) {
    HttpResponse response = ErrorAnswer(405, "this path has only " + match.allowed);
    response.headers.Add("Allow", match.allowed);
    return Refusal(std::move(response));
  }
  using Body = RouteInfo::Body;
  if (match.route->body == Body::kCode && !IsFunctionContent(head)) {
    return Refusal(ErrorAnswer(415, "Content-Type: must be application/json or application/zip"),
                   route);
  }
  if (!head.headers.Get("Content-Encoding").empty()) {
    return Refusal(ErrorAnswer(415, "Content-Encoding: is not understood here"), route);
  }
  return {.max_body = match.route->body == Body::kNone ? kIgnoredBody : options_.limits.max_body,
          .route = route};
}

void Api::Handle(HttpRequest request, std::shared_ptr<void> memory,
                 std::shared_ptr<HttpResponder> responder) {
  ApiCall call{.target = *ParseTarget(request.target)};
  RouteMatch match = MatchRoute(request.method, call.target);
  call.route = match.route->route;
  call.parameter = std::move(match.parameter);
  call.request = std::move(request);
  call.memory = std::move(memory);

  if (call.route == Route::kLive) return responder->Send(LiveAnswer());
  if (IsHealthRoute(call.route)) {
    return AnswerHealth(options_.health, health_pool_, std::move(responder));
  }
  if (call.route == Route::kOpenApi) {
    return responder->Send(JsonAnswer(std::string(OpenApiText())));
  }
  const bool registers = call.route == Route::kPutFunction;
  if (registers ? registrations_.waiting() >= kMaxWaitingRegistrations
                : pool_.waiting() >= kMaxWaitingCalls) {
    return responder->Send(ErrorAnswer(503, "too many requests wait; try again later"));
  }
  const StreamParts parts{calls_, pool_, responder};
  switch (call.route) {
    case Route::kInvoke:
      return StartInvocation(parts, std::move(call));
    case Route::kJobEvents:
    case Route::kEvents:
      return StartEventStream(parts, std::move(call));
    case Route::kLogs:
      for (const auto& [key, value] : call.target.query) {
        if (key == "follow" && value == "true") return StartLogStream(parts, std::move(call));
      }
      [[fallthrough]];
    default:
      return PostCall(registers ? registrations_ : pool_, std::move(call), std::move(responder));
  }
}

void Api::PostCall(TaskPool& pool, ApiCall call, std::shared_ptr<HttpResponder> responder) {
  auto kept = std::make_shared<ApiCall>(std::move(call));
  pool.Post([this, kept = std::move(kept), responder = std::move(responder)] {
    responder->Send(kept->route == Route::kMetrics ? Metrics() : calls_.Answer(*kept));
  });
}

HttpResponse Api::Metrics() {
  const HttpTransport* const transport = transport_;
  return TextAnswer(
      MetricsText(metrics_, transport != nullptr ? transport->GetStats() : TransportStats(),
                  {.controller = &calls_.controller(),
                   .engine = &calls_.controller().engine(),
                   .worker = options_.worker,
                   .health = options_.health,
                   .more = &options_.more_metrics},
                  calls_.context()),
      "text/plain; version=0.0.4; charset=utf-8");
}

HttpResponse Api::Refuse(int status, std::string_view message) {
  return ErrorAnswer(status, message);
}

void Api::Observe(int route, const std::string& method, int status, Duration took) {
  metrics_.Observe(route, method, status, took);
}

}  // namespace nanogrid
