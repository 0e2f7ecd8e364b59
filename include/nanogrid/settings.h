// A function's settings as text: one table for command lines, JSON and queries.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "nanogrid/function_spec.h"

namespace nanogrid {

// One setting a user can give. `name` is snake_case as in JSON; on command lines '_' is '-'.
struct SettingInfo {
  std::string_view name;         // "tmp_size"
  std::string_view placeholder;  // "64M"
  std::string_view help;         // one line
};
// All settings of a function, in the order in which help shows them.
std::span<const SettingInfo> FunctionSettings();

// Sets one setting from text: sizes "128M" (K M G T, powers of 1024, or plain bytes), times "30s"
// (ms s m h d, or "none"), counts, "true"|"false", "none"|"host", env "K=V" (adds one).
// InvalidArgument names the setting, the value and what would be right; an unknown name suggests
// the nearest.
Status ApplySetting(FunctionSpec& spec, std::string_view name, std::string_view value);

// Settings from a JSON object: {"runtime": "python3", "memory": "128M" or 134217728, "timeout":
// "30s" or 30 (seconds) or null, "env": {"K": "V"}, …}. Unknown keys are errors. `code` and `name`
// are not settings and are refused here. At most 1 MiB.
Status ApplySettingsJson(FunctionSpec& spec, std::string_view json);

// The settings of a version as such a JSON object, with sizes and times as numbers.
std::string SettingsJson(const FunctionVersion& version);

// Checks what has been set, whichever way: name, bounds of limits, env names. InvalidArgument names
// field, value and limit.
Status ValidateSpec(const FunctionSpec& spec);

// "128M" → 134217728; "1.5G" too. `what` names the field in the error.
Result<uint64_t> ParseSize(std::string_view what, std::string_view text);
// "1m30s", "250ms", "2d"; a plain number is seconds.
Result<Duration> ParseDuration(std::string_view what, std::string_view text);
std::string FormatSize(uint64_t bytes);      // shortest exact: "128M", "1000"
std::string FormatDuration(Duration value);  // shortest exact: "1m30s"

}  // namespace nanogrid
