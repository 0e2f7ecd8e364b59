// Answers of AWS and profile files: whatever they hold, they are read or refused, and no error shows
// anything of a profile file or of credentials.
#include "aws/credentials_parse.h"
#include "aws/endpoint.h"
#include "aws/failure.h"
#include "aws/profile.h"
#include "check.h"

namespace {

using namespace nanogrid;
using namespace nanogrid::aws;

constexpr std::string_view kSecret = "sEcReT";

void CheckHides(const Status& status) {
  FUZZ_CHECK(status.message().find(absl::string_view(kSecret.data(), kSecret.size())) ==
             absl::string_view::npos);
}

void CheckFailure(uint8_t kind, std::string_view text) {
  HttpResponse response{.status = 300 + kind, .body = std::string(text)};
  response.headers.Add("x-amzn-ErrorType", std::string(text.substr(0, 40)));
  const Failure failure = ParseFailure(response);
  FUZZ_CHECK(failure.message.size() <= 1000);
  FUZZ_CHECK(failure.message.find('\n') == std::string::npos);
  const Status status = FailureStatus(failure, "s o");
  FUZZ_CHECK(!status.ok());
  FUZZ_CHECK(FailureCode(status) == failure.code);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 5) {
    case 0:
      CheckFailure(data[1], text);
      break;
    case 1: {
      const auto xml = ParseXml(text);
      if (xml.ok()) ParseAssumedRole(*xml, "AssumeRoleResult").status().IgnoreError();
      break;
    }
    case 2:
      CheckHides(ParseCredentialsJson(text).status());
      break;
    case 3: {
      const auto kind = data[1] % 2 == 0 ? ProfileFile::kConfig : ProfileFile::kCredentials;
      CheckHides(ParseProfiles(text, kind).status());
      break;
    }
    default: {
      const auto endpoint = ParseEndpoint(text);
      if (endpoint.ok()) FUZZ_CHECK(ParseEndpoint(endpoint->server + endpoint->path).ok());
    }
  }
  return 0;
}
