#include "core/file_object_paths.h"

#include <algorithm>

namespace nanogrid {
namespace {

constexpr size_t kMaxPartBytes = 240;
constexpr std::string_view kDirectoryMark = "%";
constexpr std::string_view kContinuationMark = "%-";
constexpr std::string_view kEscapedPercent = "%25";

std::string Escape(std::string_view segment) {
  std::string escaped;
  for (const char c : segment) {
    if (c == '%') {
      escaped += kEscapedPercent;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string PathOfKey(std::string_view key) {
  std::string path;
  for (;;) {
    const size_t slash = key.find('/');
    const std::string escaped = Escape(key.substr(0, slash));
    std::string_view rest = escaped;
    while (rest.size() > kMaxPartBytes) {
      path.append(rest.substr(0, kMaxPartBytes)).append(kContinuationMark).append("/");
      rest.remove_prefix(kMaxPartBytes);
    }
    path.append(rest);
    if (slash == std::string_view::npos) return path;
    path.append(kDirectoryMark).append("/");
    key.remove_prefix(slash + 1);
  }
}

FileName ParseFileName(std::string_view name) {
  if (name.ends_with(kContinuationMark)) {
    name.remove_suffix(kContinuationMark.size());
    return {FileKind::kContinuation, name};
  }
  if (name.ends_with(kDirectoryMark)) {
    name.remove_suffix(kDirectoryMark.size());
    return {FileKind::kDirectory, name};
  }
  return {FileKind::kObject, name};
}

std::optional<std::string> UnescapeSegment(std::string_view escaped) {
  std::string segment;
  while (!escaped.empty()) {
    const size_t percent = std::min(escaped.find('%'), escaped.size());
    segment += escaped.substr(0, percent);
    escaped.remove_prefix(percent);
    if (escaped.empty()) break;
    if (!escaped.starts_with(kEscapedPercent)) return std::nullopt;
    segment += '%';
    escaped.remove_prefix(kEscapedPercent.size());
  }
  if (segment.empty()) return std::nullopt;
  return segment;
}

}  // namespace nanogrid
