// Sizes and times as people write them.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "core/errors.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

struct SizeUnit {
  char letter;
  uint64_t bytes;
};
constexpr std::array<SizeUnit, 4> kSizeUnits = {
    {{'T', 1ull << 40}, {'G', 1ull << 30}, {'M', 1ull << 20}, {'K', 1ull << 10}}};

struct TimeUnit {
  std::string_view name;
  int64_t microseconds;
};
constexpr std::array<TimeUnit, 5> kTimeUnits = {{{"d", 86'400'000'000},
                                                 {"h", 3'600'000'000},
                                                 {"m", 60'000'000},
                                                 {"s", 1'000'000},
                                                 {"ms", 1'000}}};
constexpr int64_t kMaxMicroseconds = 10'000 * kTimeUnits[0].microseconds;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The decimal number at the front of `text`, which is taken off.
std::optional<double> TakeNumber(std::string_view& text) {
  if (text.empty() || !IsDigit(text[0])) return std::nullopt;  // no sign, no "inf", no "nan"
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

std::optional<uint64_t> SizeUnitOf(std::string_view suffix) {
  if (suffix.empty()) return 1;
  if (suffix.size() != 1) return std::nullopt;
  for (const auto& [letter, bytes] : kSizeUnits) {
    if (suffix[0] == letter || suffix[0] == letter - 'A' + 'a') return bytes;
  }
  return std::nullopt;
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view what, std::string_view text) {
  uint64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  const bool fraction = !rest.empty() && rest[0] == '.';
  std::optional<double> number;
  if (fraction) {
    rest = text;
    number = TakeNumber(rest);
  }
  const std::optional<uint64_t> unit = SizeUnitOf(rest);
  const bool valid = fraction ? number.has_value() : end != text.data();
  if (!valid || !unit || error == std::errc::invalid_argument) {
    return InvalidArgument(
        "{} '{}': must be bytes, or a number with K, M, G or T (powers of 1024), such as 128M",
        what, text);
  }
  constexpr double kTooLarge = 18446744073709551616.0;  // 2^64
  const bool too_large = fraction ? *number * static_cast<double>(*unit) >= kTooLarge
                                  : error == std::errc::result_out_of_range ||
                                        whole > std::numeric_limits<uint64_t>::max() / *unit;
  if (too_large) return InvalidArgument("{} '{}': more bytes than 64 bits can count", what, text);
  return fraction ? static_cast<uint64_t>(*number * static_cast<double>(*unit)) : whole * *unit;
}

std::string FormatSize(uint64_t bytes) {
  for (const auto& [letter, unit] : kSizeUnits) {
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, letter);
  }
  return fmt::format("{}", bytes);
}

Result<Duration> ParseDuration(std::string_view what, std::string_view text) {
  double microseconds = 0;
  size_t next_unit = 0;  // units come in falling order, each once
  std::string_view rest = text;
  do {
    const std::optional<double> number = TakeNumber(rest);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    std::string_view name = rest.substr(0, letters);
    if (name.empty() && next_unit == 0) name = "s";  // a plain number
    size_t unit = next_unit;
    while (unit < kTimeUnits.size() && kTimeUnits[unit].name != name) ++unit;
    if (!number || unit == kTimeUnits.size()) {
      return InvalidArgument(
          "{} '{}': must be a time such as 30s, 250ms, 1m30s or 2d (units d, h, m, s, ms in this "
          "order; a plain number is seconds)",
          what, text);
    }
    microseconds += *number * static_cast<double>(kTimeUnits[unit].microseconds);
    next_unit = unit + 1;
    rest.remove_prefix(letters);
  } while (!rest.empty());
  if (microseconds > static_cast<double>(kMaxMicroseconds)) {
    return InvalidArgument("{} '{}': at most 10000d", what, text);
  }
  return std::chrono::microseconds(std::llround(microseconds));
}

std::string FormatDuration(Duration value) {
  int64_t nanoseconds = value.count();
  if (nanoseconds == 0) return "0s";
  std::string text;
  // As unsigned, so that the most negative value has a magnitude too.
  auto left = static_cast<uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    text = "-";
    left = 0 - left;
  }
  for (const auto& [name, microseconds] : kTimeUnits) {
    const auto unit = static_cast<uint64_t>(microseconds) * 1000;
    if (name == "ms") break;
    if (left >= unit) text += fmt::format("{}{}", left / unit, name);
    left %= unit;
  }
  if (left == 0) return text;
  text += fmt::format("{}", left / 1'000'000);
  if (left % 1'000'000 != 0) {
    std::string fraction = fmt::format(".{:06}", left % 1'000'000);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + "ms";
}

}  // namespace nanogrid
