// Health and metrics of a process that has no API.
#include <atomic>

#include "api/access.h"
#include "api/answers.h"
#include "api/health_answer.h"
#include "api/metrics.h"
#include "core/errors.h"
#include "http/address.h"
#include "http/handler.h"
#include "http/target.h"
#include "http/transport.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {
namespace {

constexpr uint64_t kIgnoredBody = 1 << 10;
constexpr uint32_t kMaxConnections = 100;

HttpLimits StatusLimits() {
  HttpLimits limits;
  limits.max_connections = kMaxConnections;
  return limits;
}

class StatusHandler final : public HttpHandler {
 public:
  explicit StatusHandler(const StatusServerOptions& options)
      : options_(options), access_(options.tokens), pool_(1) {}
  ~StatusHandler() override { Stop(); }

  HttpAdmission Admit(const HttpRequest& head) override {
    const Result<HttpTarget> target = ParseTarget(head.target);
    if (!target.ok()) return {.refusal = ErrorAnswer(target.status())};
    const RouteMatch match = MatchRoute(head.method, *target);
    const bool known = match.route != nullptr &&
                       (IsHealthRoute(match.route->route) || match.route->route == Route::kMetrics);
    if (!known) {
      return {.refusal = ErrorAnswer(404, "a worker has /health, /ready and /metrics only")};
    }
    const int route = static_cast<int>(match.route->route);
    if (match.route->route == Route::kMetrics) {
      if (auto refusal = access_.Check(head, target->authority)) {
        return {.refusal = *std::move(refusal), .route = route};
      }
    }
    return {.max_body = kIgnoredBody, .route = route};
  }

  void Handle(HttpRequest request, std::shared_ptr<void>,
              std::shared_ptr<HttpResponder> responder) override {
    const Route route = MatchRoute(request.method, *ParseTarget(request.target)).route->route;
    if (route == Route::kReady) return AnswerHealth(options_.health, pool_, std::move(responder));
    if (route != Route::kMetrics) return responder->Send(LiveAnswer());
    pool_.Post([this, responder = std::move(responder)] { responder->Send(Metrics()); });
  }
  HttpResponse Refuse(int status, std::string_view message) override {
    return ErrorAnswer(status, message);
  }
  void Observe(int route, const std::string& method, int status, Duration took) override {
    metrics_.Observe(route, method, status, took);
  }

  void SetTransport(const HttpTransport* transport) { transport_ = transport; }
  void Stop() { pool_.Stop(); }

 private:
  HttpResponse Metrics() {
    const HttpTransport* const transport = transport_;
    return TextAnswer(
        MetricsText(metrics_, transport != nullptr ? transport->GetStats() : TransportStats(),
                    {.engine = options_.engine,
                     .worker = options_.worker,
                     .health = options_.health,
                     .more = &options_.more_metrics},
                    {}),
        "text/plain; version=0.0.4; charset=utf-8");
  }

  const StatusServerOptions options_;
  const Access access_;
  HttpMetrics metrics_{};
  std::atomic<const HttpTransport*> transport_ = nullptr;
  TaskPool pool_;
};

class StatusServer final : public HttpServer {
 public:
  explicit StatusServer(const StatusServerOptions& options) : handler_(options) {}
  ~StatusServer() override { Stop({.deadline = TimePoint{}}); }

  Status Start(const std::string& listen, const ListenAddress& address) {
    NANOGRID_ASSIGN_OR_RETURN(transport_, StartTransport(listen, StatusLimits(), handler_));
    handler_.SetTransport(transport_.get());
    url_ = "http://" + FormatAddress(address.host, transport_->port());
    return absl::OkStatus();
  }
  std::string url() const override { return url_; }
  void Stop(const Context& context) override {
    if (transport_ != nullptr) transport_->Stop(context);
    handler_.Stop();
  }

 private:
  std::string url_{};
  // Outlived by those who answer through it, until they are stopped.
  std::unique_ptr<HttpTransport> transport_{};
  StatusHandler handler_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> ServeStatus(const StatusServerOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(options.listen));
  if (!address.loopback && options.tokens.empty()) {
    return FailedPrecondition(
        "listen {}: is reached from other machines; give tokens (--token-file), or listen on "
        "127.0.0.1",
        options.listen);
  }
  auto server = std::make_unique<StatusServer>(options);
  NANOGRID_RETURN_IF_ERROR(server->Start(options.listen, address));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace nanogrid
