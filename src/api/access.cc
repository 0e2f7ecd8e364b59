#include "api/access.h"

#include <openssl/crypto.h>

#include "api/answers.h"
#include "core/sha256.h"
#include "http/address.h"

namespace nanogrid {
namespace {

// "localhost", "127.0.0.1:8080", "[::1]:8080".
bool IsThisMachine(std::string_view authority) {
  if (EqualsIgnoreCase(authority.substr(0, authority.find(':')), "localhost")) return true;
  const bool has_port = authority.rfind(':') != authority.npos && !authority.ends_with(']');
  const auto address = ParseListenAddress(std::string(authority) + (has_port ? "" : ":80"));
  return address.ok() && address->loopback;
}

HttpResponse NoToken(std::string_view why) {
  HttpResponse response = ErrorAnswer(401, why);
  response.headers.Add("WWW-Authenticate", "Bearer realm=\"nanogrid\"");
  return response;
}

}  // namespace

Access::Access(const std::vector<std::string>& tokens) {
  for (const std::string& token : tokens) digests_.push_back(Sha256Hex(token));
}

// In a time that says nothing about the tokens: digests are compared, and all of them.
bool Access::IsToken(std::string_view presented) const {
  const std::string digest = Sha256Hex(presented);
  bool found = false;
  for (const std::string& known : digests_) {
    found |= CRYPTO_memcmp(digest.data(), known.data(), digest.size()) == 0;
  }
  return found;
}

std::optional<HttpResponse> Access::Check(const HttpRequest& head,
                                          const std::string& authority) const {
  if (digests_.empty()) {
    const std::string_view host = authority.empty() ? head.headers.Get("Host") : authority;
    if (!host.empty() && !IsThisMachine(host)) {
      return ErrorAnswer(403,
                         "Host: without tokens only localhost and loopback addresses are "
                         "served");
    }
    if (const std::string* const origin = head.headers.Find("Origin");
        origin != nullptr && *origin != "http://" + std::string(host)) {
      return ErrorAnswer(403, "Origin: without tokens nothing is served to other sites' pages");
    }
    return std::nullopt;
  }
  const std::string_view credentials = head.headers.Get("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (credentials.empty()) return NoToken("Authorization: a bearer token is needed");
  if (!EqualsIgnoreCase(credentials.substr(0, kScheme.size()), kScheme)) {
    return NoToken("Authorization: must be 'Bearer TOKEN'");
  }
  if (head.headers.Count("Authorization") > 1 || !IsToken(credentials.substr(kScheme.size()))) {
    return NoToken("Authorization: not a token of this server");
  }
  return std::nullopt;
}

}  // namespace nanogrid
