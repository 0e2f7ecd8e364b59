// AWS Signature Version 4 in the Authorization header. Pure: the time is an argument.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "nanogrid/clock.h"

namespace nanogrid::aws {

struct Credentials {
  std::string access_key_id{};
  std::string secret_access_key{};
  std::string session_token{};             // empty: long-lived keys
  SystemTime expires = SystemTime::max();  // max(): never
  bool operator==(const Credentials&) const = default;
};

struct SigningScope {
  std::string region{};
  std::string service{};  // "sqs"
  // S3 signs the path as it is sent, and the hash of the body is sent as a header. All others sign
  // the path with its dots resolved and encoded once more.
  bool s3 = false;
};

// As the hash of a body that is not signed: over TLS, S3 takes it.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// The text whose hash is signed. `host` is the Host header that will be sent; every header of
// `request` is signed, except those that proxies change. `payload_hash`: lower-case hex of the
// body's SHA-256, or kUnsignedPayload.
std::string CanonicalRequest(const SigningScope& scope, std::string_view host,
                             std::string_view payload_hash, const HttpRequest& request);

// Adds X-Amz-Date, X-Amz-Security-Token (if there is one), X-Amz-Content-Sha256 (S3) and
// Authorization.
void SignRequest(const SigningScope& scope, const Credentials& credentials, SystemTime now,
                 std::string_view host, std::string_view payload_hash, HttpRequest& request);

// "20150830T123600Z"
std::string FormatAmzDate(SystemTime time);

}  // namespace nanogrid::aws
