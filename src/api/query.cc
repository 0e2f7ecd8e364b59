#include "api/query.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "core/errors.h"
#include "nanogrid/settings.h"

namespace nanogrid {

Result<std::string> Query::Text(std::string_view key) {
  known_.emplace_back(key);
  const std::string* found = nullptr;
  for (const auto& [name, value] : target_.query) {
    if (name != key) continue;
    if (found != nullptr) return InvalidArgument("{}: given twice", key);
    found = &value;
  }
  return found == nullptr ? std::string() : *found;
}

Result<uint64_t> Query::Number(std::string_view key, uint64_t lowest, uint64_t highest,
                               uint64_t otherwise) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Text(key));
  if (text.empty()) return otherwise;
  uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || number < lowest || number > highest) {
    return InvalidArgument("{}: '{}', must be a whole number from {} to {}", key, text, lowest,
                           highest);
  }
  return number;
}

Result<bool> Query::Flag(std::string_view key) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Text(key));
  if (text.empty() || text == "false") return false;
  if (text == "true") return true;
  return InvalidArgument("{}: '{}', must be true or false", key, text);
}

Result<std::optional<Duration>> Query::Time(std::string_view key) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Text(key));
  if (text.empty()) return std::optional<Duration>();
  NANOGRID_ASSIGN_OR_RETURN(const Duration time, ParseDuration(key, text));
  return std::optional<Duration>(time);
}

Status Query::Finish() const {
  for (const auto& [name, value] : target_.query) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    if (known_.empty()) return InvalidArgument("query: '{}' is not known; there is nothing", name);
    return InvalidArgument("query: '{}' is not known here; there are: {}", name,
                           fmt::join(known_, ", "));
  }
  return absl::OkStatus();
}

}  // namespace nanogrid
