// Settings JSON: what is accepted survives a round trip, what is refused changes nothing, and what
// is valid is valid JSON.
#include "check.h"
#include "core/json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

FunctionVersion VersionOf(const FunctionSpec& spec) {
  FunctionVersion version;
  version.runtime = spec.runtime;
  version.handler = spec.handler;
  version.env = spec.env;
  version.limits = spec.limits;
  version.grants = spec.grants;
  version.concurrency = spec.concurrency;
  version.fresh = spec.fresh;
  version.per_tenant = spec.per_tenant;
  version.retry = spec.retry;
  version.sandbox = spec.sandbox;
  version.image = spec.image;
  version.root = spec.root;
  return version;
}

void Check(std::string_view text) {
  FunctionSpec spec;
  const Status status = ApplySettingsJson(spec, text);
  if (!status.ok()) {
    FUZZ_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(VersionOf(spec).SameDefinition(VersionOf(FunctionSpec{})));
    return;
  }
  FUZZ_CHECK(CheckJson(text).ok());
  const std::string written = SettingsJson(VersionOf(spec));
  FUZZ_CHECK(CheckJson(written).ok());
  FunctionSpec again;
  FUZZ_CHECK(ApplySettingsJson(again, written).ok());
  FUZZ_CHECK(VersionOf(again).SameDefinition(VersionOf(spec)));
  FUZZ_CHECK(SettingsJson(VersionOf(again)) == written);
  spec.name = "f";
  (void)ValidateSpec(spec);
}

}  // namespace
}  // namespace nanogrid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nanogrid::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
