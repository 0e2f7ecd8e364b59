#include "aws/credentials_parse.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "core/errors.h"
#include "core/json.h"
#include "nanogrid/records_json.h"

namespace nanogrid::aws {
namespace {

namespace json = boost::json;

// "2026-02-28T09:30:00Z", with any number of digits behind the seconds.
Result<SystemTime> ParseExpiration(std::string_view text) {
  constexpr size_t kSeconds = 19;
  std::string millis(text.substr(0, kSeconds));
  std::string_view rest = text.substr(std::min(kSeconds, text.size()));
  std::string fraction = "000";
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    for (size_t i = 0; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; ++i) {
      if (i < fraction.size()) fraction[i] = rest[0];
      rest.remove_prefix(1);
    }
  }
  if (rest == "+00:00") rest = "Z";
  return ParseTime(millis.append(".").append(fraction).append(rest));
}

// The refusals that EC2's metadata service and the ECS agent are known to answer with. Any other
// word may be anything, a key in the wrong field even, and is not repeated.
constexpr std::array<std::string_view, 8> kRefusals = {"AssumeRoleUnauthorizedAccess",
                                                       "InstanceProfileNotFound",
                                                       "Failed",
                                                       "NoIdInRequest",
                                                       "InvalidIdInRequest",
                                                       "NoCredentialsAssociated",
                                                       "CredentialsUninitialized",
                                                       "InternalServerError"};

Status Refused(std::string_view code) {
  const bool known = std::find(kRefusals.begin(), kRefusals.end(), code) != kRefusals.end();
  return MakeError(absl::StatusCode::kPermissionDenied, "credentials: were refused{}{}",
                   known ? ": " : "", known ? code : "");
}

Result<Credentials> Checked(Credentials credentials, std::string_view expiration) {
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return MakeError(absl::StatusCode::kDataLoss, "credentials: the answer has no keys");
  }
  for (const std::string* text :
       {&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token}) {
    for (const unsigned char c : *text) {
      if (c > ' ' && c < 0x7f) continue;
      return MakeError(absl::StatusCode::kDataLoss,
                       "credentials: the answer's keys are not visible ASCII characters");
    }
  }
  if (!expiration.empty()) {
    const Result<SystemTime> expires = ParseExpiration(expiration);
    if (!expires.ok()) {
      return MakeError(absl::StatusCode::kDataLoss,
                       "credentials: the answer's expiration is no time");
    }
    credentials.expires = *expires;
  }
  return credentials;
}

}  // namespace

Result<Credentials> ParseCredentialsJson(std::string_view text) {
  const auto broken = [] {
    return MakeError(absl::StatusCode::kDataLoss, "credentials: the answer is no JSON object");
  };
  if (!CheckJson(text).ok()) return broken();
  const json::value value = json::parse({text.data(), text.size()});
  const json::object* const object = value.if_object();
  if (object == nullptr) return broken();
  const auto field = [object](json::string_view name) -> std::string {
    const json::value* const found = object->if_contains(name);
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
  };
  const std::string code = field("Code").empty() ? field("code") : field("Code");
  if (!code.empty() && code != "Success") return Refused(code);
  return Checked({.access_key_id = field("AccessKeyId"),
                  .secret_access_key = field("SecretAccessKey"),
                  .session_token = field("Token")},
                 field("Expiration"));
}

Result<Credentials> ParseAssumedRole(const XmlElement& answer, std::string_view result) {
  const XmlElement* const found = answer.Find(std::string(result) + "/Credentials");
  if (found == nullptr) {
    return MakeError(absl::StatusCode::kDataLoss, "credentials: the answer has no {}", result);
  }
  return Checked({.access_key_id = std::string(found->Text("AccessKeyId")),
                  .secret_access_key = std::string(found->Text("SecretAccessKey")),
                  .session_token = std::string(found->Text("SessionToken"))},
                 found->Text("Expiration"));
}

}  // namespace nanogrid::aws
