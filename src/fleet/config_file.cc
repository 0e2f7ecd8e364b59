#include "fleet/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <cerrno>

// All of it is in this file: programs need no library for it.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// It asserts what files may violate, and takes that for granted in release builds. Where it does
// neither it goes on to its own errors.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include "core/errors.h"
#include "core/json.h"
#include "core/unique_fd.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

constexpr size_t kMaxFile = 1 << 20;
// A key with dots is a table in a table, and what reads tables calls itself for each.
constexpr size_t kMaxTomlLine = 4096;

std::string Joined(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

Status NoValue(uint32_t line, std::string_view name) {
  const std::string where = line == 0 ? "" : fmt::format("{}: ", line);
  return InvalidArgument("{}{}: must be a string, a number, true or false", where, name);
}

Status TakeTable(const toml::table& table, const std::string& prefix,
                 std::vector<FileValue>& values) {
  for (const auto& [key, node] : table) {
    const std::string name = Joined(prefix, key.str());
    const uint32_t line = node.source().begin.line;
    if (const toml::table* const inner = node.as_table()) {
      NANOGRID_RETURN_IF_ERROR(TakeTable(*inner, name, values));
    } else if (const auto* const text = node.as_string()) {
      values.push_back({name, text->get(), true, line});
    } else if (const auto* const number = node.as_integer()) {
      values.push_back({name, fmt::format("{}", number->get()), false, line});
    } else if (const auto* const real = node.as_floating_point()) {
      values.push_back({name, fmt::format("{}", real->get()), false, line});
    } else if (const auto* const boolean = node.as_boolean()) {
      values.push_back({name, boolean->get() ? "true" : "false", false, line});
    } else {
      return NoValue(line, name);
    }
  }
  return absl::OkStatus();
}

// Whether a line that begins a table goes on with its name.
bool IsHeaderWithName(std::string_view line) {
  size_t at = line.find_first_not_of(" \t");
  if (at == line.npos || line[at] != '[') return true;
  at = line.find_first_not_of("[ \t", at);
  if (at == line.npos) return false;
  const auto c = static_cast<unsigned char>(line[at]);
  return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '"' || c == '\'';
}

// What the parser must not see: tables in tables without end, and headers that it takes for
// granted.
Status CheckTomlLines(std::string_view text) {
  for (uint32_t number = 1;; ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (end > kMaxTomlLine) {
      return InvalidArgument("{}: a line of more than {} bytes", number, kMaxTomlLine);
    }
    if (!IsHeaderWithName(line)) {
      return InvalidArgument("{}: not TOML: '[' without the name of a table", number);
    }
    if (end == text.size()) return absl::OkStatus();
    text.remove_prefix(end + 1);
  }
}

Result<std::vector<FileValue>> ParseToml(std::string_view text) {
  NANOGRID_RETURN_IF_ERROR(CheckTomlLines(text));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return InvalidArgument("{}: not TOML: {}", parsed.error().source().begin.line,
                           parsed.error().description());
  }
  std::vector<FileValue> values;
  NANOGRID_RETURN_IF_ERROR(TakeTable(parsed.table(), "", values));
  return values;
}

Status TakeObject(const json::object& object, const std::string& prefix,
                  std::vector<FileValue>& values) {
  for (const auto& [key, value] : object) {
    const std::string name = Joined(prefix, std::string_view(key.data(), key.size()));
    if (value.is_object()) {
      NANOGRID_RETURN_IF_ERROR(TakeObject(value.get_object(), name, values));
    } else if (value.is_string()) {
      values.push_back({name, std::string(value.get_string()), true});
    } else if (value.is_double()) {
      values.push_back({name, fmt::format("{}", value.get_double())});
    } else if (value.is_number() || value.is_bool()) {
      values.push_back({name, json::serialize(value)});
    } else {
      return NoValue(0, name);
    }
  }
  return absl::OkStatus();
}

Result<std::vector<FileValue>> ParseJson(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  const json::value parsed =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return InvalidArgument("not JSON: {}", error.message());
  std::vector<FileValue> values;
  NANOGRID_RETURN_IF_ERROR(TakeObject(parsed.get_object(), "", values));
  return values;
}

Result<std::string> ReadFile(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return ErrnoError(errno, "configuration file " + path);
  std::string text;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError(errno, "configuration file " + path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > kMaxFile) {
      return InvalidArgument("configuration file {}: larger than 1 MiB", path);
    }
  }
}

}  // namespace

Result<std::vector<FileValue>> ParseConfigText(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{' ? ParseJson(text) : ParseToml(text);
}

Result<std::vector<FileValue>> ReadConfigFile(const std::string& path) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Result<std::vector<FileValue>> values = ParseConfigText(text);
  if (values.ok()) return values;
  const std::string message(values.status().message());
  const bool has_line = !message.empty() && message[0] >= '0' && message[0] <= '9';
  return Status(values.status().code(), fmt::format("{}:{}{}", path, has_line ? "" : " ", message));
}

}  // namespace nanogrid
