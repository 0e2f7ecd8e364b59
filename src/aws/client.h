// Calls to one service: signed, retried, errors understood.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/failure.h"
#include "aws/service.h"
#include "aws/signature.h"
#include "aws/xml.h"
#include "http/pool.h"

namespace nanogrid::aws {

class Session;

// What a client has done so far.
struct ClientStats {
  uint64_t calls = 0;      // that a caller made
  uint64_t requests = 0;   // that were sent for them
  uint64_t throttled = 0;  // answers that said: too fast
};

struct ClientOptions {
  // Instead of what the session says; empty or null: that.
  std::string region{};
  std::string endpoint{};
  std::shared_ptr<CredentialsSource> credentials{};
  bool anonymous = false;  // nothing is signed
  // No byte from the service for so long: the connection is given up.
  Duration silence_timeout = std::chrono::seconds(60);
  size_t max_connections = 64;
};

// Of one request.
struct SendOptions {
  // It may be sent again although nobody knows whether it was carried out.
  bool repeatable = true;
  std::string payload_hash{};  // empty: of request.body
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Thread-safe. Errors are those of FailureStatus (failure.h) and of HttpClient; both begin with
// "<service> <operation>". What may help is tried again, up to the session's max_attempts and the
// context's end: service trouble and throttling after a random wait, expired credentials with new
// ones, a signature that is too old with the service's time.
class Client {
 public:
  // FailedPrecondition: no region; InvalidArgument: of an endpoint.
  static Result<std::unique_ptr<Client>> Make(const Context& context, Session& session,
                                              const Service& service,
                                              const ClientOptions& options = {});

  // request.target is percent-encoded and without the endpoint's path; what signing needs is added.
  // A request with a source has a payload_hash, and is sent once: who knows the source can rewind
  // it. `operation` is for messages. Any 2xx or 304 is an answer.
  Result<HttpResponse> Send(const Context& context, std::string_view operation,
                            const HttpRequest& request, const SendOptions& options = {});
  // The same with a successful answer's body in pieces; no retry after the first one.
  Result<HttpResponse> Stream(const Context& context, std::string_view operation,
                              const HttpRequest& request, const SendOptions& options,
                              const HttpClient::OnBody& on_body);

  // The JSON protocols: the answer's body.
  Result<std::string> Json(const Context& context, std::string_view operation, std::string body,
                           const SendOptions& options = {});
  // The query protocol: the root of the answer.
  Result<XmlElement> Query(const Context& context, std::string_view action,
                           const QueryParameters& parameters, const SendOptions& options = {});

  ClientStats stats() const;
  const Endpoint& endpoint() const { return endpoint_; }
  const std::string& region() const { return scope_.region; }

 private:
  struct Attempt;
  Client(const Service& service, SigningScope scope, Endpoint endpoint)
      : service_(service), scope_(std::move(scope)), endpoint_(std::move(endpoint)) {}
  Result<HttpResponse> Repeat(const Context& context, std::string_view operation,
                              const HttpRequest& request, const SendOptions& options,
                              const HttpClient::OnBody& on_body, std::string* whole);
  Result<HttpResponse> SendOnce(const Context& context, const HttpRequest& request,
                                const SendOptions& options, const HttpClient::OnBody& on_body,
                                Attempt& attempt);
  bool MayHelp(Attempt& attempt, const SendOptions& options);

  const Service service_;
  const SigningScope scope_;
  const Endpoint endpoint_;
  std::shared_ptr<Session> session_{};  // lives as long as its credentials are used
  std::unique_ptr<HttpPool> pool_{};
  std::shared_ptr<CredentialsSource> credentials_{};  // null: nothing is signed
  std::atomic<int64_t> clock_offset_ms_{0};           // of the service's clock to ours
  std::atomic<uint64_t> calls_{0}, requests_{0}, throttled_{0};
};

}  // namespace nanogrid::aws
