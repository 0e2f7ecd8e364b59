// The one table of a fleet's settings: their names, and what each reads and writes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "nanogrid/adapters/fleet_config.h"

namespace nanogrid {

struct ConfigEntry {
  FleetSetting setting;
  bool is_text;  // a file has it as a string only
  // `what` names the value for people.
  Status (*parse)(FleetConfig& config, std::string_view what, std::string_view text);
  // A TOML value, which is a JSON value, too.
  std::string (*format)(const FleetConfig& config);
};

// In the order of FleetSettings().
std::span<const ConfigEntry> ConfigTable();
// Null if there is none.
const ConfigEntry* FindConfigEntry(std::string_view name);
// "'scaling.mim' is not a setting; did you mean 'scaling.min'?"
std::string UnknownSettingText(std::string_view name);

// A JSON string, which is a TOML string, too.
std::string QuoteText(std::string_view text);

}  // namespace nanogrid
