// Requests to a controller's API and what it answers, as values and errors.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/client.h"

namespace nanogrid {

using RemoteQuery = std::vector<std::pair<std::string, std::string>>;

// "/v1/jobs/ID?limit=5"; segments and query are encoded here.
std::string RemoteTarget(std::initializer_list<std::string_view> segments,
                         const RemoteQuery& query = {});

// Thread-safe: keeps connections that nobody uses for the next call.
class RemoteCalls {
 public:
  explicit RemoteCalls(HttpClientOptions options) : options_(std::move(options)) {}

  // The server's error if it does not answer with success.
  Result<HttpResponse> Send(const Context& context, const HttpRequest& request);
  // The body in pieces.
  Status Stream(const Context& context, const HttpRequest& request,
                const HttpClient::OnBody& on_body);

 private:
  class Borrowed;

  const HttpClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;
};

}  // namespace nanogrid
