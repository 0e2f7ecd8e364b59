// The one table of a function's settings.
#include "nanogrid/settings.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "core/errors.h"
#include "core/json.h"
#include "core/suggest.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

constexpr size_t kMaxSettingsBytes = 1 << 20;

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }
json::string Json(std::string_view text) { return json::string(text.data(), text.size()); }

Status WrongType(std::string_view what, const json::value& value, std::string_view expected) {
  return InvalidArgument("{} {}: must be {}", what, json::serialize(value), expected);
}

// Each kind of setting reads itself from text and from JSON, and writes itself as JSON.

struct Text {
  static Status Parse(std::string_view, std::string_view text, std::string& value) {
    value = text;
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, std::string& value) {
    if (!from.is_string()) return WrongType(what, from, "a string");
    value = View(from.get_string());
    return absl::OkStatus();
  }
  static json::value ToJson(const std::string& value) { return Json(value); }
};

struct Size {
  static Status Parse(std::string_view what, std::string_view text, uint64_t& value) {
    NANOGRID_ASSIGN_OR_RETURN(value, ParseSize(what, text));
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, uint64_t& value) {
    if (from.is_string()) return Parse(what, View(from.get_string()), value);
    json::error_code error;
    const auto number = from.to_number<uint64_t>(error);
    if (error) return WrongType(what, from, "a whole number of bytes or a string such as \"128M\"");
    value = number;
    return absl::OkStatus();
  }
  static json::value ToJson(uint64_t value) { return value; }
};

struct Count {
  static Status Parse(std::string_view what, std::string_view text, uint32_t& value) {
    uint32_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc() || end != last) {
      return InvalidArgument("{} '{}': must be a whole number from 0 to {}", what, text,
                             std::numeric_limits<uint32_t>::max());
    }
    value = number;
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, uint32_t& value) {
    json::error_code error;
    const auto number = from.to_number<uint32_t>(error);
    if (error) return WrongType(what, from, "a whole number from 0 to 4294967295");
    value = number;
    return absl::OkStatus();
  }
  static json::value ToJson(uint32_t value) { return value; }
};

// A number of CPUs, in millionths: what is written as JSON is read back as the very same number,
// though Boost.JSON's conversion may be off in the last bit.
struct Share {
  static Status Parse(std::string_view what, std::string_view text, double& value) {
    double number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
    if (error != std::errc() || end != last || !Store(number, value)) {
      return InvalidArgument("{} '{}': must be a number from 0 to {}, such as 0.5", what, text,
                             kMax);
    }
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, double& value) {
    json::error_code error;
    const auto number = from.to_number<double>(error);
    if (error || !Store(number, value)) {
      return WrongType(what, from, fmt::format("a number from 0 to {}, such as 0.5", kMax));
    }
    return absl::OkStatus();
  }
  static json::value ToJson(double value) { return value; }

 private:
  static constexpr int kMax = 1024;

  static bool Store(double number, double& value) {
    if (!(number >= 0 && number <= kMax)) return false;
    value = std::round(number * 1e6) / 1e6;
    return true;
  }
};

struct Time {
  using Value = std::optional<Duration>;

  static Status Parse(std::string_view what, std::string_view text, Value& value) {
    if (text == "none") {
      value.reset();
      return absl::OkStatus();
    }
    NANOGRID_ASSIGN_OR_RETURN(value, ParseDuration(what, text));
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, Value& value) {
    if (from.is_null()) return Parse(what, "none", value);
    if (from.is_string()) return Parse(what, View(from.get_string()), value);
    json::error_code error;
    const auto seconds = from.to_number<double>(error);
    if (error || !(seconds >= 0)) {
      return WrongType(what, from, "seconds, a string such as \"30s\", or null");
    }
    return Parse(what, fmt::format("{:.6f}", seconds), value);
  }
  static json::value ToJson(const Value& value) {
    if (!value) return nullptr;
    const int64_t count = value->count();
    if (count % std::nano::den == 0) return count / std::nano::den;
    return static_cast<double>(count) / std::nano::den;
  }
};

// One that is always there.
struct Wait {
  static Status Parse(std::string_view what, std::string_view text, Duration& value) {
    NANOGRID_ASSIGN_OR_RETURN(value, ParseDuration(what, text));
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, Duration& value) {
    Time::Value time;
    NANOGRID_RETURN_IF_ERROR(Time::FromJson(what, from, time));
    if (!time) return WrongType(what, from, "seconds or a string such as \"30s\"");
    value = *time;
    return absl::OkStatus();
  }
  static json::value ToJson(Duration value) { return Time::ToJson(value); }
};

struct NetworkMode {
  static Status Parse(std::string_view what, std::string_view text, Network& value) {
    if (text != "none" && text != "host") {
      return InvalidArgument("{} '{}': must be none or host", what, text);
    }
    value = text == "host" ? Network::kHost : Network::kNone;
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, Network& value) {
    if (!from.is_string()) return WrongType(what, from, "\"none\" or \"host\"");
    return Parse(what, View(from.get_string()), value);
  }
  static json::value ToJson(Network value) { return value == Network::kHost ? "host" : "none"; }
};

struct Switch {
  static Status Parse(std::string_view what, std::string_view text, bool& value) {
    if (text != "true" && text != "false") {
      return InvalidArgument("{} '{}': must be true or false", what, text);
    }
    value = text == "true";
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, bool& value) {
    if (!from.is_bool()) return WrongType(what, from, "true or false");
    value = from.get_bool();
    return absl::OkStatus();
  }
  static json::value ToJson(bool value) { return value; }
};

struct Environment {
  using Value = std::map<std::string, std::string>;

  // Values may be secret: no message shows one.
  static Status Parse(std::string_view what, std::string_view text, Value& value) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return InvalidArgument("{}: must be NAME=VALUE", what);
    }
    value.insert_or_assign(std::string(text.substr(0, equals)),
                           std::string(text.substr(equals + 1)));
    return absl::OkStatus();
  }
  static Status FromJson(std::string_view what, const json::value& from, Value& value) {
    if (!from.is_object()) return InvalidArgument("{}: must be an object of strings", what);
    Value read;
    for (const auto& [name, text] : from.get_object()) {
      if (!text.is_string()) {
        return InvalidArgument("{} '{}': must be a string", what, std::string_view(name));
      }
      read.emplace(std::string(name), View(text.get_string()));
    }
    value = std::move(read);
    return absl::OkStatus();
  }
  static json::value ToJson(const Value& value) {
    json::object object;
    for (const auto& [name, text] : value) object.emplace(name, Json(text));
    return object;
  }
};

struct Setting {
  SettingInfo info;
  Status (*parse)(FunctionSpec&, std::string_view what, std::string_view text);
  Status (*from_json)(FunctionSpec&, std::string_view what, const json::value& from);
  json::value (*to_json)(const FunctionVersion&);
};

// `field` picks the setting's member out of a FunctionSpec or a FunctionVersion.
template <typename Kind, typename Field>
constexpr Setting Make(std::string_view name, std::string_view placeholder, std::string_view help,
                       Field) {
  return {
      {name, placeholder, help},
      [](FunctionSpec& spec, std::string_view what, std::string_view text) {
        return Kind::Parse(what, text, Field{}(spec));
      },
      [](FunctionSpec& spec, std::string_view what, const json::value& from) {
        return Kind::FromJson(what, from, Field{}(spec));
      },
      [](const FunctionVersion& version) { return Kind::ToJson(Field{}(version)); },
  };
}

// clang-format off
constexpr std::array kSettings = {
    Make<Text>("runtime", "NAME", "python3, nodejs, native or exec; default: by the type of the main file",
               [](auto& of) -> auto& { return of.runtime; }),
    Make<Text>("handler", "FILE.FUNCTION", "what to call; for native and exec the program's path in the code",
               [](auto& of) -> auto& { return of.handler; }),
    Make<Environment>("env", "NAME=VALUE", "a variable of the function's environment; may be repeated",
                      [](auto& of) -> auto& { return of.env; }),
    Make<Size>("memory", "128M", "memory of one instance, all its processes and /tmp together",
               [](auto& of) -> auto& { return of.limits.memory; }),
    Make<Share>("cpus", "0.5", "CPU time of one instance as a share of one CPU; 0: no limit",
                [](auto& of) -> auto& { return of.limits.cpus; }),
    Make<Time>("timeout", "30s", "wall time of one invocation; none: as long as it takes",
               [](auto& of) -> auto& { return of.limits.timeout; }),
    Make<Size>("tmp_size", "64M", "bytes in /tmp",
               [](auto& of) -> auto& { return of.limits.tmp_size; }),
    Make<Count>("max_processes", "64", "processes and threads of one instance",
                [](auto& of) -> auto& { return of.limits.max_processes; }),
    Make<Count>("max_open_files", "1024", "open files of each process",
                [](auto& of) -> auto& { return of.limits.max_open_files; }),
    Make<Size>("max_output", "6M", "bytes of result and log together, per invocation",
               [](auto& of) -> auto& { return of.limits.max_output; }),
    Make<Count>("max_files", "1000", "files and directories that may be left in $NANOGRID_OUTPUT",
                [](auto& of) -> auto& { return of.limits.max_files; }),
    Make<Count>("concurrency", "N", "invocations of the function at the same time; 0: no limit of its own",
                [](auto& of) -> auto& { return of.concurrency; }),
    Make<Switch>("fresh", "true|false", "each invocation has an instance of its own",
                 [](auto& of) -> auto& { return of.fresh; }),
    Make<Switch>("per_tenant", "true|false", "an instance serves one tenant, which each invocation names",
                 [](auto& of) -> auto& { return of.per_tenant; }),
    Make<Count>("max_attempts", "N", "how often a job is tried when the function fails (default: 1)",
                [](auto& of) -> auto& { return of.retry.max_attempts; }),
    Make<Wait>("backoff", "1s", "wait before the second attempt; doubles each time",
               [](auto& of) -> auto& { return of.retry.backoff; }),
    Make<Wait>("max_backoff", "5m", "the longest wait between attempts",
               [](auto& of) -> auto& { return of.retry.max_backoff; }),
    Make<Wait>("max_age", "14d", "no attempt of a job begins later than this after it was submitted",
               [](auto& of) -> auto& { return of.retry.max_age; }),
    Make<NetworkMode>("network", "none|host", "none: loopback only; host: DANGEROUS, all that this machine reaches",
                      [](auto& of) -> auto& { return of.grants.network; }),
    Make<Text>("sandbox", "linux|docker", "what isolates the function",
               [](auto& of) -> auto& { return of.sandbox; }),
    Make<Text>("image", "NAME", "container image to run in (sandbox docker)",
               [](auto& of) -> auto& { return of.image; }),
    Make<Text>("root", "DIR", "directory to use as root file system; default: made of this machine's /usr",
               [](auto& of) -> auto& { return of.root; }),
};
// clang-format on

constexpr auto kInfos = [] {
  std::array<SettingInfo, kSettings.size()> infos{};
  for (size_t i = 0; i < infos.size(); ++i) infos[i] = kSettings[i].info;
  return infos;
}();

constexpr auto kNames = [] {
  std::array<std::string_view, kSettings.size()> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kSettings[i].info.name;
  return names;
}();

Status UnknownSetting(std::string_view name) {
  const std::string_view shown = name.substr(0, 64);
  if (const auto nearest = NearestName(shown, kNames)) {
    return InvalidArgument("'{}' is not a setting of a function; did you mean '{}'?", shown,
                           *nearest);
  }
  return InvalidArgument("'{}' is not a setting of a function; there are: {}", shown,
                         fmt::join(kNames, " "));
}

Result<const Setting*> FindSetting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.info.name == name) return &setting;
  }
  return UnknownSetting(name);
}

Status ApplyObject(FunctionSpec& spec, const json::object& object) {
  for (const auto& [key, value] : object) {
    const std::string_view name(key.data(), key.size());
    if (name == "name" || name == "code") {
      return InvalidArgument("'{}' is not a setting of a function: it is given on its own", name);
    }
    NANOGRID_ASSIGN_OR_RETURN(const Setting* setting, FindSetting(name));
    NANOGRID_RETURN_IF_ERROR(setting->from_json(spec, name, value));
  }
  return absl::OkStatus();
}

}  // namespace

std::span<const SettingInfo> FunctionSettings() { return kInfos; }

Status ApplySetting(FunctionSpec& spec, std::string_view name, std::string_view value) {
  NANOGRID_ASSIGN_OR_RETURN(const Setting* setting, FindSetting(name));
  return setting->parse(spec, name, value);
}

// All or nothing. The object's env, if there, replaces what the spec had.
Status ApplySettingsJson(FunctionSpec& spec, std::string_view text) {
  if (text.size() > kMaxSettingsBytes) {
    return InvalidArgument("settings of {} bytes: at most {}", text.size(), kMaxSettingsBytes);
  }
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  const json::value parsed =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return InvalidArgument("settings: not JSON: {}", error.message());
  if (!parsed.is_object()) return InvalidArgument("settings: must be a JSON object");

  Code code = std::exchange(spec.code, {});  // not copied: it may be large
  FunctionSpec changed = spec;
  Status status = ApplyObject(changed, parsed.get_object());
  if (status.ok()) spec = std::move(changed);
  spec.code = std::move(code);
  return status;
}

std::string SettingsJson(const FunctionVersion& version) {
  json::object object;
  for (const Setting& setting : kSettings) {
    object.emplace(json::string_view(setting.info.name.data(), setting.info.name.size()),
                   setting.to_json(version));
  }
  return json::serialize(object);
}

}  // namespace nanogrid
