// Configuration files, TOML or JSON: what is refused is InvalidArgument, and what is printed of
// what is accepted reads as the same.
#include "check.h"
#include "core/json.h"
#include "fleet/config_file.h"
#include "fleet/config_table.h"

namespace nanogrid {
namespace {

// False: one of the values is refused.
bool Apply(const std::vector<FileValue>& values, FleetConfig& config) {
  for (const FileValue& value : values) {
    const ConfigEntry* const entry = FindConfigEntry(value.name);
    if (entry == nullptr) {
      FUZZ_CHECK(!UnknownSettingText(value.name).empty());
      return false;
    }
    if (entry->setting.secret || (entry->is_text && !value.is_text)) return false;
    const Status status = entry->parse(config, value.name, value.text);
    if (!status.ok()) {
      FUZZ_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
      FUZZ_CHECK(!status.message().empty());
      return false;
    }
    config.sources.insert_or_assign(value.name, "file");
  }
  return true;
}

void Check(std::string_view text) {
  const auto values = ParseConfigText(text);
  if (!values.ok()) {
    FUZZ_CHECK(values.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(!values.status().message().empty());
    return;
  }
  FleetConfig config;
  if (!Apply(*values, config)) return;
  FUZZ_CHECK(CheckJson(FleetConfigJson(config)).ok());
  const auto printed = ParseConfigText(FleetConfigToml(config));
  FUZZ_CHECK(printed.ok());
  FleetConfig again;
  FUZZ_CHECK(Apply(*printed, again));
  FUZZ_CHECK(again.sources.size() == config.sources.size());
  for (const ConfigEntry& entry : ConfigTable()) {
    FUZZ_CHECK(entry.format(again) == entry.format(config));
  }
}

}  // namespace
}  // namespace nanogrid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nanogrid::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
