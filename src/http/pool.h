// Connections to one server that many threads share.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "http/client.h"

namespace nanogrid {

struct HttpPoolOptions {
  HttpClientOptions client{};
  size_t max_connections = 64;  // at the same time; who finds them all busy waits
  // A connection that was idle for longer is not used again: servers and load balancers in between
  // forget them, mostly after a minute.
  Duration idle_timeout = std::chrono::seconds(20);
};

struct HttpPoolStats {
  uint64_t requests = 0;     // begun, ever
  uint64_t connections = 0;  // opened, ever
  size_t idle = 0;           // now
  size_t busy = 0;           // now
};

// Thread-safe. Each exchange has an HttpClient for itself, the one that was used last if there is
// one; see HttpClient for errors and for what is sent twice.
class HttpPool {
 public:
  static Result<std::unique_ptr<HttpPool>> Make(HttpPoolOptions options);
  ~HttpPool();  // after the last call has returned

  Result<HttpResponse> Send(const Context& context, const HttpRequest& request);
  Result<HttpResponse> Stream(const Context& context, const HttpRequest& request,
                              const HttpClient::OnBody& on_body);

  HttpPoolStats stats() const;

 private:
  struct Idle {
    std::unique_ptr<HttpClient> client;
    TimePoint since;
  };
  class Borrowed;

  explicit HttpPool(HttpPoolOptions options) : options_(std::move(options)) {}
  Result<std::unique_ptr<HttpClient>> CheckOut(const Context& context);
  void CheckIn(std::unique_ptr<HttpClient> client, uint64_t opened);
  // With the mutex held: those that were idle for too long, to be closed without it.
  std::vector<Idle> TakeOld(TimePoint now);

  const HttpPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any free_;
  std::vector<Idle> idle_;  // the one used last at the end
  HttpPoolStats stats_{};   // but idle
};

}  // namespace nanogrid
