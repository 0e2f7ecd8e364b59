// The requests that are answered by calls of the controller, one after the other. Blocking.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "api/routes.h"
#include "http/budget.h"
#include "http/message.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {

// A request on its way through the API.
struct ApiCall {
  Route route = Route::kHealth;
  std::string parameter{};  // of the path
  HttpTarget target{};
  HttpRequest request{};
  std::shared_ptr<void> memory{};  // what the body takes
};

// Thread-safe.
class Calls {
 public:
  Calls(Controller& controller, const HttpServerOptions& options, std::stop_token stop)
      : controller_(controller), options_(options), stop_(std::move(stop)) {}

  // Of every route that is not a stream, kInvoke or /metrics.
  HttpResponse Answer(ApiCall& call);

  // What kSubmit and kInvoke ask for; takes the event out of the call. `query` knows more keys
  // afterwards.
  Result<SubmitRequest> ReadSubmit(ApiCall& call, class Query& query);
  // The result of a job that ended, or its error, with the headers that say which.
  HttpResponse ResultOf(const Job& job);

  Controller& controller() { return controller_; }
  Context context() const { return Context::WithStop(stop_); }

 private:
  Result<HttpResponse> PutFunction(ApiCall& call);
  Result<HttpResponse> GetFunction(ApiCall& call);
  Result<HttpResponse> RemoveFunction(ApiCall& call);
  Result<HttpResponse> ListFunctions(ApiCall& call);  // kListVersions, too
  Result<HttpResponse> Submit(ApiCall& call);
  Result<HttpResponse> ListJobs(ApiCall& call);
  Result<HttpResponse> JobCall(ApiCall& call);
  Result<HttpResponse> GetResult(ApiCall& call);
  Result<HttpResponse> ListFiles(ApiCall& call);
  Result<HttpResponse> GetFile(ApiCall& call);
  Result<HttpResponse> GetLogs(ApiCall& call);
  Result<HttpResponse> ReadResult(const Job& job);

  Controller& controller_;
  const HttpServerOptions& options_;
  const std::stop_token stop_;
  Budget spool_{options_.limits.max_spool};
};

}  // namespace nanogrid
