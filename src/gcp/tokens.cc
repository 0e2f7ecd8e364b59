#include "gcp/tokens.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/backoff.h"
#include "core/errors.h"
#include "http/client.h"

namespace nanogrid::gcp {
namespace {

constexpr char kScope[] = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr char kMetadataHost[] = "169.254.169.254";
constexpr char kMetadataTarget[] = "/computeMetadata/v1/instance/service-accounts/default/token";
constexpr uint32_t kAttempts = 4;
constexpr size_t kMaxKeyFile = 64 << 10;

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> ReadKeyFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxKeyFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (!file.eof() || text.empty()) {
    return FailedPrecondition(
        "credentials file '{}': cannot be read, or is no key of at most {} KiB", path,
        kMaxKeyFile >> 10);
  }
  return text;
}

// A request for a token, tried again when that may help.
Result<HttpResponse> Ask(const Context& context, HttpClient& client, const HttpRequest& request,
                         const char* whom) {
  for (Backoff backoff;;) {
    Result<HttpResponse> response = client.Send(context, request);
    const bool trouble = response.ok() ? response->status == 429 || response->status >= 500
                                       : absl::IsUnavailable(response.status());
    if (!trouble) return response;
    Status error = response.ok()
                       ? Unavailable("{}: answered {}", whom, response->status)
                       : Unavailable("{}: {}", whom, std::string(response.status().message()));
    if (backoff.retries() + 1 == kAttempts) return error;
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

Result<AccessToken> Exchange(const Context& context, const ServiceAccount& account,
                             const std::string& ca_file, SystemTime now) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string assertion, SignAssertion(account, kScope, now));
  const std::string& uri = account.token_uri;
  const size_t path = std::min(uri.find('/', uri.find("://") + 3), uri.size());
  NANOGRID_ASSIGN_OR_RETURN(const auto client,
                            MakeHttpClient({.server = uri.substr(0, path),
                                            .ca_file = ca_file,
                                            .silence_timeout = std::chrono::seconds(20),
                                            .max_body = 1 << 20}));
  const HttpRequest request{
      .method = "POST",
      .target = path < uri.size() ? uri.substr(path) : "/",
      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
      .body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
              assertion};
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response,
                            Ask(context, *client, request, "token endpoint"));
  if (response.status == 200) return ParseAccessToken(response.body);
  const std::string reason = ParseTokenError(response.body);
  return MakeError(absl::StatusCode::kPermissionDenied,
                   "the token endpoint refuses service account '{}': {} (HTTP {})", account.email,
                   reason.empty() ? "no reason" : reason, response.status);
}

}  // namespace

TokenCache::Fetch FetchWithKey(ReadKeyText read, std::string ca_file, const Clock& clock) {
  return [read = std::move(read), ca_file = std::move(ca_file),
          &clock](const Context& context) -> Result<AccessToken> {
    NANOGRID_ASSIGN_OR_RETURN(const std::string text, read(context));
    NANOGRID_ASSIGN_OR_RETURN(const ServiceAccount account, ParseServiceAccount(text));
    return Exchange(context, account, ca_file, clock.WallNow());
  };
}

TokenCache::Fetch FetchFromMetadata(std::string host) {
  return [host = std::move(host)](const Context& context) -> Result<AccessToken> {
    NANOGRID_ASSIGN_OR_RETURN(const auto client,
                              MakeHttpClient({.server = "http://" + host,
                                              .connect_timeout = std::chrono::seconds(1),
                                              .silence_timeout = std::chrono::seconds(5),
                                              .max_body = 1 << 20}));
    const HttpRequest request{.target = kMetadataTarget,
                              .headers = {{"Metadata-Flavor", "Google"}}};
    Result<HttpResponse> response = Ask(context, *client, request, "metadata server");
    if (absl::IsUnavailable(response.status())) {
      return Unavailable(
          "no Google Cloud credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, and there is no "
          "metadata server: {}",
          std::string(response.status().message()));
    }
    NANOGRID_RETURN_IF_ERROR(response.status());
    if (response->headers.Get("Metadata-Flavor") != "Google") {
      return FailedPrecondition("metadata server '{}': is not Google's", host);
    }
    if (response->status == 200) return ParseAccessToken(response->body);
    return MakeError(absl::StatusCode::kPermissionDenied,
                     "this machine has no service account for Google Cloud (HTTP {})",
                     response->status);
  };
}

Result<std::unique_ptr<TokenCache>> MakeTokens(const GcsOptions& options,
                                               const std::string& endpoint) {
  const bool tls = endpoint.starts_with("https://");
  ReadKeyText read;
  std::string path = options.credentials_file;
  if (path.empty() && options.secrets == nullptr) {
    path = Environment("GOOGLE_APPLICATION_CREDENTIALS");
  }
  if (options.anonymous) return std::unique_ptr<TokenCache>();
  if (options.secrets != nullptr) {
    read = [secrets = options.secrets, name = options.secret_name](const Context& context) {
      return secrets->Get(context, name);
    };
  } else if (!path.empty()) {
    read = [path](const Context&) { return ReadKeyFile(path); };
  } else if (!tls) {
    return std::unique_ptr<TokenCache>();
  }
  const bool here = endpoint.starts_with("http://127.0.0.1") ||
                    endpoint.starts_with("http://localhost") ||
                    endpoint.starts_with("http://[::1]");
  if (!tls && !here) {
    return InvalidArgument(
        "gs endpoint '{}': credentials are sent over https:// only; use that, or be anonymous",
        endpoint);
  }
  if (read != nullptr) {
    return std::make_unique<TokenCache>(
        FetchWithKey(std::move(read), options.ca_file, *options.clock), *options.clock);
  }
  const std::string host = Environment("GCE_METADATA_HOST");
  return std::make_unique<TokenCache>(FetchFromMetadata(host.empty() ? kMetadataHost : host),
                                      *options.clock);
}

}  // namespace nanogrid::gcp
