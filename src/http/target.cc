#include "http/target.h"

#include <algorithm>

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
      if (low < 0) return InvalidArgument("target: '%' must be followed by two hex digits");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (decoded.find('\0') != decoded.npos || !IsUtf8(decoded)) {
    return InvalidArgument("target: must be UTF-8 without NUL");
  }
  return decoded;
}

Status ParseQuery(std::string_view text, HttpTarget& target) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    NANOGRID_ASSIGN_OR_RETURN(std::string key, Decode(pair.substr(0, equals), true));
    NANOGRID_ASSIGN_OR_RETURN(std::string value,
                              Decode(pair.substr(std::min(equals + 1, pair.size())), true));
    target.query.emplace_back(std::move(key), std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace

Result<HttpTarget> ParseTarget(std::string_view text) {
  HttpTarget target;
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with(kScheme)) {
    text.remove_prefix(kScheme.size());
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    text.remove_prefix(end);
    if (target.authority.empty()) return InvalidArgument("target: a host is missing");
    if (text.empty()) text = "/";
  }
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '#'; });
  if (!text.starts_with('/') || !plain) {
    return InvalidArgument("target: must be a path, with other characters percent-encoded");
  }
  const size_t question = std::min(text.find('?'), text.size());
  std::string_view path = text.substr(0, question);
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    NANOGRID_ASSIGN_OR_RETURN(std::string segment, Decode(path.substr(0, end), false));
    target.segments.push_back(std::move(segment));
    path.remove_prefix(end);
  }
  NANOGRID_RETURN_IF_ERROR(ParseQuery(text.substr(std::min(question + 1, text.size())), target));
  return target;
}

}  // namespace nanogrid
