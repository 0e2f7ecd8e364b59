#include "aws/client.h"

#include <ctime>
#include <optional>

#include "aws/session.h"
#include "core/backoff.h"
#include "core/errors.h"
#include "core/sha256.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kMaxFailure = 1 << 20;
constexpr BackoffOptions kTrouble{.base = std::chrono::milliseconds(50)};
constexpr BackoffOptions kThrottled{.base = std::chrono::milliseconds(500)};
// Services accept signatures that are five minutes old; smaller differences are not the reason.
constexpr auto kClockDifference = std::chrono::minutes(4);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<SystemTime> ParseHttpDate(const std::string& text) {
  std::tm parts = {};
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return SystemTime(std::chrono::seconds(::timegm(&parts)));
}

Status WithAction(std::string_view service, std::string_view operation, const Status& status) {
  Status named(status.code(),
               fmt::format("{} {}: {}", service, operation,
                           std::string_view(status.message().data(), status.message().size())));
  return named;
}

std::string FormEncode(const QueryParameters& parameters) {
  std::string form;
  for (const auto& [name, value] : parameters) {
    if (!form.empty()) form += '&';
    form += PercentEncode(name) + '=' + PercentEncode(value);
  }
  return form;
}

}  // namespace

// What became of one request.
struct Client::Attempt {
  Credentials credentials{};
  bool delivered = false;  // on_body has seen something
  bool again = false;      // worth another one
  bool throttled = false;
  std::optional<SystemTime> date{};  // the service's
  std::optional<Failure> failure{};
};

Result<std::unique_ptr<Client>> Client::Make(const Context& context, Session& session,
                                             const Service& service, const ClientOptions& options) {
  std::string region = options.region;
  if (region.empty()) {
    const bool elsewhere = !options.endpoint.empty() || session.HasOwnEndpoint(service);
    NANOGRID_ASSIGN_OR_RETURN(region, session.Region(context, elsewhere));
  }
  NANOGRID_RETURN_IF_ERROR(CheckRegion(region));
  NANOGRID_ASSIGN_OR_RETURN(Endpoint endpoint, options.endpoint.empty()
                                                   ? session.EndpointFor(service, region)
                                                   : ParseEndpoint(options.endpoint));
  SigningScope scope{.region = std::move(region),
                     .service = std::string(service.signing),
                     .s3 = service.id == kS3.id};
  std::unique_ptr<Client> client(new Client(service, std::move(scope), std::move(endpoint)));
  HttpPoolOptions pool;
  pool.client.server = client->endpoint_.server;
  pool.client.silence_timeout = options.silence_timeout;
  pool.client.ca_file = session.options().ca_file.empty()
                            ? session.Get("AWS_CA_BUNDLE").value_or("")
                            : session.options().ca_file;
  pool.max_connections = options.max_connections;
  NANOGRID_ASSIGN_OR_RETURN(client->pool_, HttpPool::Make(std::move(pool)));
  client->session_ = session.shared_from_this();
  client->credentials_ = options.credentials;
  if (client->credentials_ == nullptr && !options.anonymous) {
    client->credentials_ = session.credentials();
  }
  return client;
}

Result<HttpResponse> Client::Send(const Context& context, std::string_view operation,
                                  const HttpRequest& request, const SendOptions& options) {
  std::string body;
  const HttpClient::OnBody keep = [&body](const HttpResponse&, std::string_view piece) {
    body += piece;
    return absl::OkStatus();
  };
  Result<HttpResponse> response = Repeat(context, operation, request, options, keep, &body);
  if (response.ok()) response->body = std::move(body);
  return response;
}

Result<HttpResponse> Client::Stream(const Context& context, std::string_view operation,
                                    const HttpRequest& request, const SendOptions& options,
                                    const HttpClient::OnBody& on_body) {
  return Repeat(context, operation, request, options, on_body, nullptr);
}

// `whole`: what on_body has collected, which may be begun anew; null: it is with the caller
// already.
Result<HttpResponse> Client::Repeat(const Context& context, std::string_view operation,
                                    const HttpRequest& request, const SendOptions& options,
                                    const HttpClient::OnBody& on_body, std::string* whole) {
  ++calls_;
  const uint32_t attempts = request.source != nullptr ? 1 : session_->options().max_attempts;
  for (uint32_t retry = 0;; ++retry) {
    Attempt attempt;
    if (whole != nullptr) whole->clear();
    Result<HttpResponse> response = SendOnce(context, request, options, on_body, attempt);
    if (response.ok()) {
      if (!attempt.failure) return response;
      attempt.again = MayHelp(attempt, options);
    } else if (attempt.delivered && whole == nullptr) {
      attempt.again = false;
    }
    if (!attempt.again || retry + 1 >= attempts) {
      return attempt.failure
                 ? FailureStatus(*attempt.failure, fmt::format("{} {}", service_.host, operation))
                 : WithAction(service_.host, operation, response.status());
    }
    const BackoffOptions& backoff = attempt.throttled ? kThrottled : kTrouble;
    NANOGRID_RETURN_IF_ERROR(Wait(context, NextDelay(backoff, retry, RandomFraction())));
  }
}

Result<HttpResponse> Client::SendOnce(const Context& context, const HttpRequest& request,
                                      const SendOptions& options, const HttpClient::OnBody& on_body,
                                      Attempt& attempt) {
  HttpRequest signed_request = request;
  signed_request.target = endpoint_.path + request.target;
  signed_request.repeatable = options.repeatable;
  if (credentials_ != nullptr) {
    NANOGRID_ASSIGN_OR_RETURN(attempt.credentials, credentials_->Get(context));
    const SystemTime now =
        session_->clock().WallNow() + std::chrono::milliseconds(clock_offset_ms_.load());
    const std::string hash =
        options.payload_hash.empty() ? Sha256Hex(request.body) : options.payload_hash;
    SignRequest(scope_, attempt.credentials, now, endpoint_.authority, hash, signed_request);
  }
  std::string failure_body;
  const auto success = [](const HttpResponse& head) {
    return (head.status >= 200 && head.status < 300) || head.status == 304;
  };
  const HttpClient::OnBody divide = [&](const HttpResponse& head, std::string_view piece) {
    if (success(head)) {
      attempt.delivered = true;
      return on_body(head, piece);
    }
    failure_body += piece.substr(0, kMaxFailure - std::min(kMaxFailure, failure_body.size()));
    return absl::OkStatus();
  };
  ++requests_;
  Result<HttpResponse> response = pool_->Stream(context, signed_request, divide);
  if (!response.ok()) {
    const Status& status = response.status();
    attempt.again = absl::IsUnavailable(status) && (options.repeatable || NothingSent(status));
    return response;
  }
  attempt.date = ParseHttpDate(std::string(response->headers.Get("Date")));
  if (!success(*response)) {
    response->body = std::move(failure_body);
    attempt.failure = ParseFailure(*response);
  }
  return response;
}

// Sees to it, too.
bool Client::MayHelp(Attempt& attempt, const SendOptions& options) {
  const Remedy remedy = RemedyFor(*attempt.failure);
  switch (remedy) {
    case Remedy::kRetry:
      return options.repeatable;
    case Remedy::kSlowDown:
      ++throttled_;
      attempt.throttled = true;
      return true;
    case Remedy::kCredentials:
      if (credentials_ == nullptr) return false;
      credentials_->Reject(attempt.credentials);
      return true;
    case Remedy::kClock:
    case Remedy::kNone:
      break;
  }
  // 403 has many reasons; a clock that is far off is the one that is seen from here.
  if (!attempt.date || (remedy != Remedy::kClock && attempt.failure->http_status != 403 &&
                        attempt.failure->code != "InvalidSignatureException")) {
    return false;
  }
  const auto offset = std::chrono::duration_cast<std::chrono::milliseconds>(
      *attempt.date - session_->clock().WallNow());
  const auto change = offset - std::chrono::milliseconds(clock_offset_ms_.load());
  if (std::chrono::abs(change) < kClockDifference) return false;
  clock_offset_ms_ = offset.count();
  return true;
}

Result<std::string> Client::Json(const Context& context, std::string_view operation,
                                 std::string body, const SendOptions& options) {
  HttpRequest request{.method = "POST", .body = std::move(body)};
  request.headers.Add("Content-Type", fmt::format("application/x-amz-json-{}", service_.json));
  request.headers.Add("X-Amz-Target", fmt::format("{}.{}", service_.target, operation));
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, Send(context, operation, request, options));
  return std::move(response.body);
}

Result<XmlElement> Client::Query(const Context& context, std::string_view action,
                                 const QueryParameters& parameters, const SendOptions& options) {
  HttpRequest request{.method = "POST"};
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body =
      FormEncode({{"Action", std::string(action)}, {"Version", std::string(service_.version)}});
  const std::string form = FormEncode(parameters);
  if (!form.empty()) request.body += '&' + form;
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response, Send(context, action, request, options));
  return ParseXml(response.body);
}

ClientStats Client::stats() const {
  return {.calls = calls_, .requests = requests_, .throttled = throttled_};
}

}  // namespace nanogrid::aws
