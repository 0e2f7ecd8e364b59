#include "engine/code_path.h"

#include <algorithm>

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxSegmentBytes = 255;  // NAME_MAX of Linux file systems

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// What is wrong with the characters of `text`, or null.
const char* BadCharacters(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), IsControl)) return "has a control character";
  if (text.find('\\') != text.npos) return "has a backslash; use '/'";
  return IsUtf8(text) ? nullptr : "is not UTF-8";
}

// What is wrong with the segments of `path`, or null.
const char* BadSegments(std::string_view path) {
  size_t count = 0;
  for (size_t begin = 0; begin <= path.size(); ++count) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") return "leads out of the code with '..'";
    if (segment.empty() || segment == ".") return "has an empty or '.' segment";
    if (segment.size() > kMaxSegmentBytes) return "has a segment longer than 255 bytes";
    begin = end + 1;
  }
  return count > kMaxSegments ? "is more than 64 directories deep" : nullptr;
}

}  // namespace

Result<std::string> NormalizeCodePath(std::string_view name, uint32_t max_bytes) {
  const auto refuse = [&](const char* why) {
    return InvalidArgument("code: entry {}: the name {}", QuoteName(name), why);
  };
  if (name.empty()) return refuse("is empty");
  if (name.size() > max_bytes) {
    return InvalidArgument("code: entry {}: the name has {} bytes, the limit is {}",
                           QuoteName(name), name.size(), max_bytes);
  }
  if (const char* why = BadCharacters(name)) return refuse(why);
  if (name.front() == '/') return refuse("is absolute");
  std::string_view path = name;
  while (path.starts_with("./")) path.remove_prefix(2);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() || path == ".") return std::string();
  if (const char* why = BadSegments(path)) return refuse(why);
  return std::string(path);
}

Status CheckLinkTarget(std::string_view path, std::string_view target, uint32_t max_bytes) {
  const auto refuse = [&](const char* why) {
    return InvalidArgument("code: link {}: its target {} {}", QuoteName(path), QuoteName(target),
                           why);
  };
  if (target.empty()) return refuse("is empty");
  if (target.size() > max_bytes) return refuse("is too long");
  if (const char* why = BadCharacters(target)) return refuse(why);
  if (target.front() == '/') return refuse("is absolute; only links inside the code are accepted");
  return absl::OkStatus();
}

bool IsIgnoredCodePath(std::string_view path) {
  const std::string wrapped = "/" + std::string(path) + "/";
  for (const std::string_view ignored : {"/.git/", "/__pycache__/", "/node_modules/.cache/"}) {
    if (wrapped.find(ignored) != std::string::npos) return true;
  }
  return false;
}

std::string QuoteName(std::string_view name) {
  constexpr size_t kMaxShown = 200;
  const bool utf8 = IsUtf8(name);
  std::string shown = "'";
  for (size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const bool continues = (byte & 0xC0) == 0x80;
    if (shown.size() > kMaxShown && !(utf8 && continues)) return shown + "…'";
    // U+0080 to U+009F are control characters that some terminals obey.
    const bool c1 = byte == 0xC2 && utf8 && static_cast<unsigned char>(name[i + 1]) < 0xA0;
    if (c1) ++i;
    if (c1 || IsControl(name[i]) || (byte >= 0x80 && !utf8)) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[i]));
    } else {
      shown += name[i];
    }
  }
  return shown + "'";
}

}  // namespace nanogrid
