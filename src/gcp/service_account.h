// A service account's key, and the signed assertion by which it asks for a token. Pure.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/clock.h"

namespace nanogrid::gcp {

struct ServiceAccount {
  std::string email{};
  std::string key_id{};
  std::string private_key{};  // PEM; never shown
  std::string token_uri{};    // https, or http on this machine
};

// The JSON that Google hands out. InvalidArgument names what is missing or wrong, and shows
// nothing of what is in it.
Result<ServiceAccount> ParseServiceAccount(std::string_view json);

// A JWT, signed with RS256, valid for an hour from `now`.
Result<std::string> SignAssertion(const ServiceAccount& account, std::string_view scope,
                                  SystemTime now);

struct AccessToken {
  std::string token{};
  Duration lifetime{};
};
// The answer of a token endpoint or the metadata server: {"access_token", "expires_in"}.
Result<AccessToken> ParseAccessToken(std::string_view json);
// Why a token endpoint refuses: {"error", "error_description"}; empty if it does not say.
std::string ParseTokenError(std::string_view json);

}  // namespace nanogrid::gcp
