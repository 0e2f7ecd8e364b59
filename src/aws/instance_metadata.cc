#include "aws/instance_metadata.h"

#include "core/backoff.h"
#include "core/errors.h"

namespace nanogrid::aws {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(1);
constexpr Duration kSilenceTimeout = std::chrono::seconds(2);
constexpr int kAttempts = 3;
constexpr char kTokenSeconds[] = "21600";

}  // namespace

Result<std::unique_ptr<InstanceMetadata>> InstanceMetadata::Make(const std::string& server) {
  HttpPoolOptions options;
  options.client = {.server = server,
                    .connect_timeout = kConnectTimeout,
                    .silence_timeout = kSilenceTimeout,
                    .max_body = 1 << 20};
  options.max_connections = 4;
  NANOGRID_ASSIGN_OR_RETURN(auto pool, HttpPool::Make(std::move(options)));
  return std::unique_ptr<InstanceMetadata>(new InstanceMetadata(std::move(pool)));
}

Result<std::string> InstanceMetadata::Get(const Context& context, const std::string& path) {
  for (int attempt = 0;; ++attempt) {
    NANOGRID_ASSIGN_OR_RETURN(const std::string token, Token(context));
    HttpRequest request{.target = path};
    request.headers.Add("X-aws-ec2-metadata-token", token);
    NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, Send(context, request));
    if (response.status == 200) return std::move(response.body);
    if (response.status == 404) return NotFound("instance metadata: there is no {}", path);
    if (response.status != 401 || attempt > 0) {
      return Unavailable("instance metadata: {}: HTTP {}", path, response.status);
    }
    Forget(token);
  }
}

Result<std::string> InstanceMetadata::Token(const Context& context) {
  {
    const std::lock_guard lock(mutex_);
    if (!token_.empty()) return token_;
  }
  HttpRequest request{.method = "PUT", .target = "/latest/api/token"};
  request.headers.Add("X-aws-ec2-metadata-token-ttl-seconds", kTokenSeconds);
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, Send(context, request));
  if (response.status == 403) {
    return MakeError(absl::StatusCode::kPermissionDenied,
                     "instance metadata: is switched off for this instance (HTTP 403)");
  }
  if (response.status != 200 || response.body.empty()) {
    return Unavailable("instance metadata: no session token: HTTP {}", response.status);
  }
  const std::lock_guard lock(mutex_);
  token_ = response.body;
  return std::move(response.body);
}

void InstanceMetadata::Forget(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token_ == token) token_.clear();
}

// Server errors and lost connections are tried again: the service throttles.
Result<HttpResponse> InstanceMetadata::Send(const Context& context, const HttpRequest& request) {
  Backoff backoff;
  while (true) {
    Result<HttpResponse> response = pool_->Send(context, request);
    const bool again = response.ok() ? response->status >= 500 || response->status == 429
                                     : absl::IsUnavailable(response.status());
    // Where there is no such service nothing listens, or nothing answers: one look is enough.
    const bool nobody = !response.ok() && NothingSent(response.status());
    if (!again || nobody || backoff.retries() + 1 >= kAttempts) return response;
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

}  // namespace nanogrid::aws
