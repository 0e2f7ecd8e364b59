// What NanoGrid asks of a Docker engine, over its HTTP API.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "nanogrid/context.h"
#include "nanogrid/status.h"

namespace nanogrid::docker {

// Where an engine listens.
struct EngineAddress {
  std::string socket{};  // a UNIX socket's path; empty: TCP
  std::string server{};  // "http://host:port"
};

// "unix:///path" or "tcp://host:port" of this machine; empty: $DOCKER_HOST or, without it,
// unix:///var/run/docker.sock. InvalidArgument for all else.
Result<EngineAddress> ParseEngineAddress(std::string_view host);

struct EngineVersion {
  std::string api{};     // that is spoken: "1.41"
  std::string engine{};  // the engine's own: "20.10.24"; empty if it does not say
};

// Thread-safe. Errors: Unavailable (no engine there, or it does not answer), FailedPrecondition
// (too old, or not Linux on x86-64), those of the context; what the engine refuses has its message
// and NotFound, Aborted (a conflict), InvalidArgument or Internal.
class EngineApi {
 public:
  // An address that cannot be used is the error of every call.
  explicit EngineApi(Result<EngineAddress> address) : address_(std::move(address)) {}

  // Asked once, then remembered.
  Result<EngineVersion> Negotiate(const Context& context);

  Result<boost::json::object> Get(const Context& context, const std::string& path);
  Result<boost::json::array> GetList(const Context& context, const std::string& path);
  // The answer is a JSON object or nothing. `body`: JSON or empty.
  Result<boost::json::object> Post(const Context& context, const std::string& path,
                                   const std::string& body = {});
  Status Delete(const Context& context, const std::string& path);

  // Kills and removes a container, by name or id, and those that earlier calls could not. What the
  // engine does not do now is tried again by the next call.
  void Remove(const std::string& container);

  std::string Describe() const;  // for messages: "the Docker engine at /var/run/docker.sock"

 private:
  Result<HttpResponse> Send(const Context& context, const HttpRequest& request);
  // Below /v1.NN; only answers that are no error.
  Result<std::string> Call(const Context& context, std::string method, const std::string& path,
                           const std::string& body);

  const Result<EngineAddress> address_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<HttpClient>> idle_{};
  EngineVersion version_{};
  std::vector<std::string> unremoved_{};
};

}  // namespace nanogrid::docker
