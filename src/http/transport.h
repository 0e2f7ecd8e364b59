// A listening socket, its connections, and the one thread that serves them all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/handler.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {

struct TransportStats {
  uint64_t connections = 0;  // now
  uint64_t accepted = 0;     // ever
  uint64_t rejected = 0;     // ever, because of max_connections
  uint64_t memory = 0;       // bytes of bodies and answers, now
};

// Thread-safe.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;  // Stop with a context that has ended

  virtual uint16_t port() const = 0;
  virtual TransportStats GetStats() const = 0;
  // See HttpServer::Stop. After it no handler is called.
  virtual void Stop(const Context& context) = 0;
};

// Serves from now on; `handler` outlives it.
Result<std::unique_ptr<HttpTransport>> StartTransport(const std::string& listen,
                                                      const HttpLimits& limits,
                                                      HttpHandler& handler);

}  // namespace nanogrid
