// What Google Cloud Storage and its token endpoints answer, and keys of service accounts.
#include "check.h"
#include "gcp/service_account.h"
#include "gcp/storage_api.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nanogrid;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto object = gcp::ParseRemoteObject(text); object.ok()) {
    FUZZ_CHECK(!object->name.empty());
    // It goes into a request's line.
    for (const char c : object->generation) FUZZ_CHECK(c >= '0' && c <= '9');
  }
  if (const auto listing = gcp::ParseListing(text); listing.ok()) {
    for (const auto& object : listing->objects) FUZZ_CHECK(!object.name.empty());
  }
  if (const auto token = gcp::ParseAccessToken(text); token.ok()) {
    FUZZ_CHECK(!token->token.empty() && token->lifetime.count() > 0);
    for (const char c : token->token) FUZZ_CHECK(c > ' ' && c < 0x7F);
  }
  gcp::ParseServiceAccount(text).status().IgnoreError();
  gcp::ParseTokenError(text);
  gcp::ParseErrorMessage(text);
  const HttpHeaders headers{{"Range", std::string(text)}, {"x-goog-hash", std::string(text)}};
  gcp::ParseKept(headers).status().IgnoreError();
  gcp::ParseHash(headers);
  gcp::TargetOfUrl(text).status().IgnoreError();
  return 0;
}
