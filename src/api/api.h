// The API as a handler of requests: access, routes, and who answers what on which threads.
#pragma once

#include <memory>
#include <stop_token>

#include "api/access.h"
#include "api/calls.h"
#include "api/metrics.h"
#include "api/streams.h"
#include "api/task_pool.h"
#include "http/handler.h"

namespace nanogrid {

// Owns no state but threads and counters.
class Api final : public HttpHandler {
 public:
  // Both outlive it.
  Api(Controller& controller, const HttpServerOptions& options);
  ~Api() override { Stop(); }

  HttpAdmission Admit(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::shared_ptr<void> memory,
              std::shared_ptr<HttpResponder> responder) override;
  HttpResponse Refuse(int status, std::string_view message) override;
  void Observe(int route, const std::string& method, int status, Duration took) override;

  // Whose numbers /metrics shows. Before the first request.
  void SetTransport(const HttpTransport* transport) { transport_ = transport; }
  // Ends calls that wait; nothing is answered any more.
  void Stop();

 private:
  void PostCall(TaskPool& pool, ApiCall call, std::shared_ptr<HttpResponder> responder);
  HttpResponse Metrics();

  const HttpServerOptions& options_;
  const Access access_;
  std::stop_source stop_{};
  Calls calls_;
  HttpMetrics metrics_{};
  std::atomic<const HttpTransport*> transport_ = nullptr;
  TaskPool pool_;
  TaskPool registrations_;
  TaskPool health_pool_;  // of its own: whatever the others wait for, this is answered
};

}  // namespace nanogrid
