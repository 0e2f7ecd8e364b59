#include "core/names.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/errors.h"
#include "nanogrid/function_spec.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxListLimit = 1000;
constexpr size_t kMaxEnvironmentBytes = 64 << 10;  // well below what execve(2) takes in all
constexpr std::string_view kCursorMark = "after:";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsNameText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

bool IsEnvironmentName(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

// How many bytes the well-formed UTF-8 sequence at the front has (table 3-7 of the Unicode
// standard); 0 if it is ill-formed.
size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const auto tail = [&](size_t i) { return in(byte(i), 0x80, 0xbf); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (in(first, 0xc2, 0xdf)) return tail(1) ? 2 : 0;
  if (in(first, 0xe0, 0xef)) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return in(byte(1), low, high) && tail(2) ? 3 : 0;
  }
  if (in(first, 0xf0, 0xf4)) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return in(byte(1), low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Status CheckFunctionName(std::string_view name) {
  if (IsNameText(name)) return absl::OkStatus();
  return InvalidArgument("name '{}': must be 1 to {} letters, digits, '_' or '-'",
                         name.substr(0, 2 * kMaxNameBytes), kMaxNameBytes);
}

Status CheckTenant(std::string_view tenant) {
  constexpr size_t kMaxTenantBytes = 256;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (tenant.size() <= kMaxTenantBytes && IsUtf8(tenant) &&
      std::none_of(tenant.begin(), tenant.end(), is_control)) {
    return absl::OkStatus();
  }
  return InvalidArgument("tenant: must be at most {} bytes of UTF-8 without control characters",
                         kMaxTenantBytes);
}

Status CheckAliasName(std::string_view alias) {
  if (IsNameText(alias) && IsLetter(alias[0])) return absl::OkStatus();
  return InvalidArgument(
      "alias '{}': must be 1 to {} letters, digits, '_' or '-' and begin with a letter",
      alias.substr(0, 2 * kMaxNameBytes), kMaxNameBytes);
}

Result<uint64_t> ParseVersionNumber(std::string_view text) {
  uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || text[0] == '0') {
    return InvalidArgument("version '{}': must be a number, an alias or {}", text, kLatest);
  }
  return number;
}

Status CheckObjectKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return InvalidArgument("key of {} bytes: must be 1 to {}", key.size(), kMaxKeyBytes);
  }
  if (key.find('\0') != std::string_view::npos || !IsUtf8(key)) {
    return InvalidArgument("key: must be UTF-8 without NUL");
  }
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view segment = key.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") {
      return InvalidArgument("key '{}': must not have the segment '{}' between slashes", key,
                             segment);
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

Status CheckSecretName(std::string_view name) {
  constexpr std::string_view kOthers = "/_+=.@-";
  const bool valid =
      !name.empty() && name.size() <= 512 && CheckObjectKey(name).ok() &&
      std::all_of(name.begin(), name.end(), [&](unsigned char c) {
        return std::isalnum(c) != 0 || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
      });
  if (valid) return absl::OkStatus();
  return InvalidArgument(
      "secret name: must be 1 to 512 letters, digits and /_+=.@-, without empty or dotted "
      "segments");
}

Status CheckEnvironment(const std::map<std::string, std::string>& env) {
  size_t bytes = 0;
  for (const auto& [name, value] : env) {
    if (!IsEnvironmentName(name)) {
      return InvalidArgument(
          "env '{}': a name must be letters, digits and '_', and not begin with a digit",
          std::string_view(name).substr(0, 64));
    }
    if (value.find('\0') != std::string::npos) {
      return InvalidArgument("env '{}': a value must not have NUL bytes", name);
    }
    bytes += name.size() + value.size() + 2;
  }
  if (bytes > kMaxEnvironmentBytes) {
    return InvalidArgument("env of {} bytes: at most {}, names and values together", bytes,
                           kMaxEnvironmentBytes);
  }
  return absl::OkStatus();
}

Status CheckListLimit(size_t limit) {
  if (limit >= 1 && limit <= kMaxListLimit) return absl::OkStatus();
  return InvalidArgument("limit {}: must be 1 to {}", limit, kMaxListLimit);
}

std::string MakeCursor(std::string_view last) { return std::string(kCursorMark).append(last); }

Result<std::optional<std::string>> ReadCursor(std::string_view cursor, std::string_view prefix) {
  if (cursor.empty()) return std::nullopt;
  const std::string_view last = cursor.substr(std::min(cursor.size(), kCursorMark.size()));
  if (!cursor.starts_with(kCursorMark) || last.empty() || !last.starts_with(prefix)) {
    return InvalidArgument("cursor '{}': not one of this listing", cursor.substr(0, 128));
  }
  return std::string(last);
}

}  // namespace nanogrid
