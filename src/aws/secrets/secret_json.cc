#include "aws/secrets/secret_json.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>

#include "core/errors.h"
#include "core/json.h"

namespace nanogrid::aws {
namespace {

namespace json = boost::json;

Status Broken(const char* what) {
  return MakeError(absl::StatusCode::kDataLoss, "secretsmanager: {}", what);
}

Result<std::string> DecodeBase64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) return Broken("a binary secret that is not Base64");
  // OpenSSL counts the padding, too.
  size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<size_t>(size) - std::min(padding, static_cast<size_t>(size)));
  return bytes;
}

}  // namespace

std::string GetSecretJson(std::string_view id) {
  return json::serialize(json::object{{"SecretId", json::string(id.data(), id.size())}});
}

Result<std::string> ParseSecret(std::string_view text) {
  constexpr size_t kMaxAnswer = 1 << 20;
  if (text.size() > kMaxAnswer || !CheckJson(text).ok()) return Broken("the answer is not JSON");
  const json::value value = json::parse({text.data(), text.size()});
  if (!value.is_object()) return Broken("the answer is no object");
  const json::value* const found = value.get_object().if_contains("SecretString");
  if (found != nullptr && found->is_string()) {
    return std::string(found->get_string().data(), found->get_string().size());
  }
  const json::value* const binary = value.get_object().if_contains("SecretBinary");
  if (binary == nullptr || !binary->is_string()) return Broken("the answer has no secret");
  return DecodeBase64({binary->get_string().data(), binary->get_string().size()});
}

}  // namespace nanogrid::aws
