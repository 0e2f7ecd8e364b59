// A controller over HTTP/1.1: docs/http-api.md is for its users.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/controller.h"
#include "nanogrid/health.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// What keeps one client from hurting another.
struct HttpLimits {
  uint32_t max_connections = 20'000;  // more are answered 503 and closed
  size_t max_header = 16 << 10;       // bytes of request line and header
  uint64_t max_body = 256ull << 20;   // bytes of an event or of code
  uint64_t max_memory = 1ull << 30;   // bytes of all bodies and answers in memory; beyond: 429
  uint64_t max_spool = 16ull << 30;   // bytes of all large results on their way; beyond: 503
  Duration header_timeout = std::chrono::seconds(10);  // from a request's first byte
  uint64_t min_body_rate = 1 << 10;                    // bytes per second, over ten seconds
  Duration idle_timeout = std::chrono::seconds(60);    // between requests
  Duration send_timeout = std::chrono::seconds(60);    // a client that takes nothing
  Duration heartbeat = std::chrono::seconds(15);       // in streams that have nothing to say
};

// Adds to /metrics, in the text format of Prometheus. Called on any thread.
using MoreMetrics = std::function<void(std::string&)>;

struct HttpServerOptions {
  std::string listen = "127.0.0.1:8080";  // an address and a port, 0 for any; "[::1]:8080"
  // Each opens everything. None: everybody may do everything, which is refused beyond loopback.
  std::vector<std::string> tokens{};
  HttpLimits limits{};
  uint32_t call_threads = 16;         // for the controller's blocking calls
  uint32_t registration_threads = 2;  // for code that is taken in, and perhaps compiled
  std::string spool_dir{};            // for large results, in unnamed files; empty: /var/tmp
  const Worker* worker = nullptr;     // whose slots /metrics shows; outlives the server
  Health* health = nullptr;           // what /health tells; outlives the server; null: always ok
  MoreMetrics more_metrics{};         // null: none
};

// Serves from construction on.
class HttpServer {
 public:
  virtual ~HttpServer() = default;  // Stop with a context that has ended

  virtual std::string url() const = 0;  // "http://127.0.0.1:8080", with the real port
  // Accepts no more, ends event and log streams, answers what is being worked on. When the context
  // ends, the connections that are left are closed.
  virtual void Stop(const Context& context) = 0;
};

// `controller` outlives the server. InvalidArgument names the option; FailedPrecondition without
// tokens beyond loopback; AlreadyExists or PermissionDenied if the address cannot be had.
Result<std::unique_ptr<HttpServer>> ServeHttp(Controller& controller,
                                              const HttpServerOptions& options = {});

// What a worker shows, which has no API: that it lives at /health and /health/live, whether it is
// ready at /ready, its numbers at /metrics. All that is pointed to outlives the server.
struct StatusServerOptions {
  std::string listen{};
  std::vector<std::string> tokens{};  // for /metrics; none: refused beyond loopback
  Health* health = nullptr;           // null: always ready
  const Worker* worker = nullptr;     // null: shows no slots
  const Engine* engine = nullptr;     // null: shows no instances
  MoreMetrics more_metrics{};         // null: none
};
Result<std::unique_ptr<HttpServer>> ServeStatus(const StatusServerOptions& options);

// One token per line, 16..512 visible ASCII characters; empty lines and those that begin with '#'
// are skipped. FailedPrecondition if others than the owner may read the file. No error shows one.
Result<std::vector<std::string>> ReadTokenFile(const std::string& path);

}  // namespace nanogrid
