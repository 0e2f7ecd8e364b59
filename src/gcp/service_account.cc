#include "gcp/service_account.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/json.hpp>
#include <memory>
#include <vector>

#include "core/errors.h"
#include "gcp/crc32c.h"

namespace nanogrid::gcp {
namespace {

namespace json = boost::json;

constexpr int64_t kAssertionSeconds = 3600;  // the longest that Google takes

json::object ParseObject(std::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return {};
  return std::move(value.as_object());
}

std::string TextOf(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key ReadKey(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  // Without a password callback OpenSSL would ask on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

}  // namespace

Result<ServiceAccount> ParseServiceAccount(std::string_view text) {
  const json::object object = ParseObject(text);
  if (object.empty()) return InvalidArgument("service account key: is not JSON");
  const std::string type = TextOf(object, "type");
  if (type != "service_account") {
    const bool other = type == "authorized_user" || type == "external_account" ||
                       type == "impersonated_service_account";
    return InvalidArgument("service account key: 'type' must be 'service_account'{}",
                           other ? ", not '" + type + "'" : "");
  }
  ServiceAccount account{.email = TextOf(object, "client_email"),
                         .key_id = TextOf(object, "private_key_id"),
                         .private_key = TextOf(object, "private_key"),
                         .token_uri = TextOf(object, "token_uri")};
  if (account.token_uri.empty()) account.token_uri = "https://oauth2.googleapis.com/token";
  if (account.email.empty()) {
    return InvalidArgument("service account key: 'client_email' is missing");
  }
  if (!ReadKey(account.private_key)) {
    return InvalidArgument("service account key: 'private_key' must be an RSA key in PEM");
  }
  const std::string& uri = account.token_uri;
  if (!uri.starts_with("https://") && !uri.starts_with("http://127.0.0.1:") &&
      !uri.starts_with("http://localhost:")) {
    return InvalidArgument("service account key: 'token_uri' must begin with https://");
  }
  return account;
}

Result<std::string> SignAssertion(const ServiceAccount& account, std::string_view scope,
                                  SystemTime now) {
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  json::object header{{"alg", "RS256"}, {"typ", "JWT"}};
  if (!account.key_id.empty()) header["kid"] = account.key_id;
  const json::object claims{{"iss", account.email},
                            {"scope", json::string_view(scope.data(), scope.size())},
                            {"aud", account.token_uri},
                            {"iat", seconds},
                            {"exp", seconds + kAssertionSeconds}};
  std::string assertion =
      Base64Url(json::serialize(header)) + "." + Base64Url(json::serialize(claims));
  const Key key = ReadKey(account.private_key);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(assertion.data());
  size_t size = 0;
  if (!key || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, assertion.size()) != 1) {
    return InvalidArgument("service account key: 'private_key' cannot sign");
  }
  std::vector<unsigned char> signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, bytes, assertion.size()) != 1) {
    return InvalidArgument("service account key: 'private_key' cannot sign");
  }
  return assertion + "." + Base64Url({reinterpret_cast<const char*>(signature.data()), size});
}

Result<AccessToken> ParseAccessToken(std::string_view text) {
  const json::object object = ParseObject(text);
  AccessToken token{.token = TextOf(object, "access_token")};
  const json::value* const expires = object.if_contains("expires_in");
  const bool whole = expires != nullptr && expires->is_int64() && expires->get_int64() > 0 &&
                     expires->get_int64() <= 24 * 3600;
  const bool visible =
      token.token.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") ==
      std::string::npos;
  if (token.token.empty() || !visible || !whole) {
    return Internal("token: the answer must have an 'access_token' and 'expires_in' seconds");
  }
  token.lifetime = std::chrono::seconds(expires->get_int64());
  return token;
}

std::string ParseTokenError(std::string_view text) {
  const json::object object = ParseObject(text);
  const std::string error = TextOf(object, "error");
  const std::string description = TextOf(object, "error_description");
  return description.empty() ? error : error + ": " + description;
}

}  // namespace nanogrid::gcp
