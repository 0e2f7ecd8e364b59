#include "nanogrid/uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/errors.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxUriBytes = 4096;

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// What stands for itself, apart from `special`; all else must be percent-encoded, both when read
// and when written, so that ToString is never longer than what was parsed.
bool IsPlain(char c, std::string_view special) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f && c != '%' && c != '#' &&
         special.find(c) == std::string_view::npos;
}
constexpr std::string_view kPathSpecial = "?";
constexpr std::string_view kKeySpecial = "&=";
constexpr std::string_view kValueSpecial = "&";

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> Decode(std::string_view part, std::string_view text, std::string_view special) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsPlain(text[i], special)) {
      decoded += text[i];
      continue;
    }
    if (text[i] != '%') {
      return InvalidArgument("URI {}: byte 0x{:02x} must be written as %{:02X}", part,
                             static_cast<unsigned char>(text[i]),
                             static_cast<unsigned char>(text[i]));
    }
    const std::string_view escape = text.substr(i, 3);
    const int high = escape.size() == 3 ? HexValue(escape[1]) : -1;
    const int low = escape.size() == 3 ? HexValue(escape[2]) : -1;
    if (high < 0 || low < 0) {
      return InvalidArgument("URI {}: '{}' is no percent escape; two hex digits must follow %",
                             part, escape);
    }
    if (high == 0 && low == 0) return InvalidArgument("URI {}: %00 is not allowed", part);
    decoded += static_cast<char>(16 * high + low);
    i += 2;
  }
  return decoded;
}

void Encode(std::string_view text, std::string_view special, std::string& to) {
  for (const char c : text) {
    if (IsPlain(c, special)) {
      to += c;
    } else {
      to += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

Status ParseScheme(std::string_view scheme, Uri& uri) {
  bool valid = !scheme.empty() && IsAlpha(scheme[0]);
  for (const char c : scheme) {
    valid = valid && (IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.');
  }
  if (!valid) {
    return InvalidArgument("URI scheme '{}': must be letters, digits, '+', '-', '.', such as file:",
                           scheme);
  }
  uri.scheme = ToLower(scheme);
  return absl::OkStatus();
}

Status ParsePort(std::string_view text, Uri& uri) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uri.port);
  if (error != std::errc() || end != text.data() + text.size() || uri.port == 0) {
    return InvalidArgument("URI port '{}': must be a number from 1 to 65535", text);
  }
  return absl::OkStatus();
}

Status ParseHost(std::string_view host, Uri& uri) {
  for (const char c : host) {
    if (!IsAlpha(c) && !IsDigit(c) && c != '-' && c != '.' && c != '_') {
      return InvalidArgument("URI host '{}': may have letters, digits, '-', '.' and '_' only",
                             host);
    }
  }
  uri.host = ToLower(host);
  return absl::OkStatus();
}

Status ParseIpv6(std::string_view address, Uri& uri) {
  in6_addr parsed;
  uri.host = ToLower(address);
  if (inet_pton(AF_INET6, uri.host.c_str(), &parsed) != 1) {
    return InvalidArgument("URI host '[{}]': not an IPv6 address", address);
  }
  return absl::OkStatus();
}

Status ParseAuthority(std::string_view authority, Uri& uri) {
  uri.has_authority = true;
  if (authority.find('@') != std::string_view::npos) {  // not shown: it may be a secret
    return InvalidArgument(
        "URI authority: a user or password is not allowed here; give secrets through the "
        "environment or a secret source");
  }
  std::optional<std::string_view> port;
  if (!authority.empty() && authority[0] == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) {
      return InvalidArgument("URI host '{}': ']' is missing", authority);
    }
    NANOGRID_RETURN_IF_ERROR(ParseIpv6(authority.substr(1, close - 1), uri));
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') {
      return InvalidArgument("URI host '{}': only a port may follow ']'", authority);
    }
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const size_t colon = authority.find(':');
    NANOGRID_RETURN_IF_ERROR(ParseHost(authority.substr(0, colon), uri));
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (!port) return absl::OkStatus();
  if (uri.host.empty())
    return InvalidArgument("URI authority '{}': a port needs a host", authority);
  return ParsePort(*port, uri);
}

Status ParseQuery(std::string_view query, Uri& uri) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return InvalidArgument("URI query '{}': must be key=value", pair);
    }
    NANOGRID_ASSIGN_OR_RETURN(auto key, Decode("query", pair.substr(0, equals), kKeySpecial));
    NANOGRID_ASSIGN_OR_RETURN(auto value, Decode("query", pair.substr(equals + 1), kValueSpecial));
    const auto [it, added] = uri.query.emplace(std::move(key), std::move(value));
    if (!added) return InvalidArgument("URI query: key '{}' is there twice", it->first);
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
    if (query.empty()) return InvalidArgument("URI query: nothing follows the last '&'");
  }
  return absl::OkStatus();
}

}  // namespace

Result<Uri> Uri::Parse(std::string_view text) {
  if (text.size() > kMaxUriBytes) {
    return InvalidArgument("URI of {} bytes: at most {}", text.size(), kMaxUriBytes);
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument("URI '{}': no scheme; write for example memory: or file:///dir",
                           text.find('@') == std::string_view::npos ? text : "…");
  }
  Uri uri;
  NANOGRID_RETURN_IF_ERROR(ParseScheme(text.substr(0, colon), uri));
  std::string_view rest = text.substr(colon + 1);
  std::string_view query;
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    NANOGRID_RETURN_IF_ERROR(ParseAuthority(rest.substr(0, slash), uri));
    rest.remove_prefix(slash);
  }
  NANOGRID_ASSIGN_OR_RETURN(uri.path, Decode("path", rest, kPathSpecial));
  NANOGRID_RETURN_IF_ERROR(ParseQuery(query, uri));
  return uri;
}

std::string Uri::ToString() const {
  std::string text = scheme + ":";
  if (has_authority) {
    text += "//";
    text += host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != 0) text += fmt::format(":{}", port);
  }
  std::string_view rest = path;
  if (!has_authority && rest.substr(0, 2) == "//") {  // must not look like an authority
    text += "/%2F";
    rest.remove_prefix(2);
  }
  Encode(rest, kPathSpecial, text);
  char separator = '?';
  for (const auto& [key, value] : query) {
    text += std::exchange(separator, '&');
    Encode(key, kKeySpecial, text);
    text += '=';
    Encode(value, kValueSpecial, text);
  }
  return text;
}

Status Uri::CheckQuery(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : query) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) names += fmt::format(" {}", name);
    return InvalidArgument("URI query: '{}' is not known to {}:; it has{}", key, scheme,
                           names.empty() ? " none" : names);
  }
  return absl::OkStatus();
}

}  // namespace nanogrid
