#include <fmt/format.h>

#include <algorithm>

#include "fleet/config_table.h"

namespace nanogrid {
namespace {

constexpr char kDefault[] = "default";

std::string SourceOf(const FleetConfig& config, std::string_view name) {
  const auto found = config.sources.find(name);
  return found == config.sources.end() ? kDefault : found->second;
}

}  // namespace

std::string FleetConfigToml(const FleetConfig& config) {
  std::string text;
  for (const ConfigEntry& entry : ConfigTable()) {
    // Only what was given: whoever starts from this text leaves the rest to the defaults. A secret
    // could not be read again.
    const std::string source = SourceOf(config, entry.setting.name);
    const bool live = source != kDefault && !entry.setting.secret;
    const std::string line =
        fmt::format("{}{} = {}", live ? "" : "# ", entry.setting.name, entry.format(config));
    text += fmt::format("{:<56} # {}\n", line, source);
  }
  return text;
}

std::string FleetConfigJson(const FleetConfig& config) {
  std::string text = "{";
  for (const ConfigEntry& entry : ConfigTable()) {
    text += fmt::format("{}\n  {}: {{\"value\": {}, \"source\": {}}}", text.size() > 1 ? "," : "",
                        QuoteText(entry.setting.name), entry.format(config),
                        QuoteText(SourceOf(config, entry.setting.name)));
  }
  return text + "\n}\n";
}

}  // namespace nanogrid
