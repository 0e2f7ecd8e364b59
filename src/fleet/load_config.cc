// From what was given, wherever, to a settled configuration.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/errors.h"
#include "core/suggest.h"
#include "fleet/config_file.h"
#include "fleet/config_table.h"
#include "fleet/mission_variables.h"
#include "nanogrid/adapters/fleet_config.h"
#include "nanogrid/adapters/secrets.h"
#include "nanogrid/settings.h"
#include "nanogrid/uri.h"

namespace nanogrid {
namespace {

using Environment = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kPrefix = "NANOGRID_";
// Variables of other programs of the project, and those that a sandbox gives to functions.
constexpr std::array<std::string_view, 3> kOthers = {"NANOGRID_CONFIG", "NANOGRID_SERVER",
                                                     "NANOGRID_OUTPUT"};

struct Assignment {
  const ConfigEntry* entry;
  std::string text;
  std::string source;  // "NANOGRID_SLOTS", "fleet.toml:3", "--slots"
  std::string what;    // the same, with the setting's name where it is not in it
};
using Assignments = std::vector<Assignment>;

// What Kubernetes sets for a service "nanogrid-x": no settings.
bool IsServiceLink(std::string_view variable) {
  return variable.ends_with("_SERVICE_HOST") || variable.find("_SERVICE_PORT") != variable.npos ||
         variable.ends_with("_PORT") || variable.find("_PORT_") != variable.npos;
}

Status TakeFile(const std::string& path, Assignments& to) {
  NANOGRID_ASSIGN_OR_RETURN(std::vector<FileValue> values, ReadConfigFile(path));
  for (FileValue& value : values) {
    const std::string source = value.line == 0 ? path : fmt::format("{}:{}", path, value.line);
    const ConfigEntry* const entry = FindConfigEntry(value.name);
    if (entry == nullptr) {
      return InvalidArgument("{}: {}", source, UnknownSettingText(value.name));
    }
    if (entry->setting.secret) {
      return InvalidArgument(
          "{}: {}: a secret does not belong into this file; name one with {}_file, "
          "or set {}",
          source, value.name, value.name, FleetVariable(entry->setting));
    }
    if (entry->is_text && !value.is_text) {
      return InvalidArgument("{}: {}: must be a string, such as {}", source, value.name,
                             QuoteText(value.text));
    }
    to.push_back({entry, std::move(value.text), source, fmt::format("{}: {}", source, value.name)});
  }
  return absl::OkStatus();
}

Status UnknownVariable(std::string_view variable) {
  std::vector<std::string> names;
  for (const FleetSetting& setting : FleetSettings()) names.push_back(FleetVariable(setting));
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view shown = variable.substr(0, 64);
  const auto nearest = NearestName(shown.substr(kPrefix.size()), [&] {
    std::vector<std::string_view> rest;
    for (const std::string_view view : views) rest.push_back(view.substr(kPrefix.size()));
    return rest;
  }());
  if (nearest) {
    return InvalidArgument("environment: {} is not a setting; did you mean {}{}?", shown, kPrefix,
                           *nearest);
  }
  return InvalidArgument("environment: {} is not a setting; --help has all; unset it", shown);
}

Status TakeEnvironment(const Environment& environment, Assignments& to) {
  std::map<std::string, const ConfigEntry*, std::less<>> known;
  for (const ConfigEntry& entry : ConfigTable()) known[FleetVariable(entry.setting)] = &entry;
  for (auto it = environment.lower_bound(kPrefix);
       it != environment.end() && it->first.starts_with(kPrefix); ++it) {
    const std::string& variable = it->first;
    const auto found = known.find(variable);
    if (found != known.end()) {
      to.push_back({found->second, it->second, variable, variable});
    } else if (std::find(kOthers.begin(), kOthers.end(), variable) == kOthers.end() &&
               !IsServiceLink(variable)) {
      return UnknownVariable(variable);
    }
  }
  return absl::OkStatus();
}

Status TakeFlags(const FleetSources& sources, Assignments& to) {
  for (const auto& [name, text] : sources.flags) {
    const ConfigEntry* const entry = FindConfigEntry(name);
    if (entry == nullptr) return InvalidArgument("flags: {}", UnknownSettingText(name));
    std::string flag = "--" + FleetFlag(entry->setting);
    if (entry->setting.secret) {
      return InvalidArgument("{}: everybody can read command lines; set {}", flag,
                             FleetVariable(entry->setting));
    }
    to.push_back({entry, text, flag, flag});
  }
  return absl::OkStatus();
}

// For settings that nobody else has given.
Assignments MissionAssignments(const Environment& environment, const Assignments& others) {
  Assignments assignments;
  for (MissionValue& value : MissionVariables(environment)) {
    const ConfigEntry* const entry = FindConfigEntry(value.setting);
    const bool given = std::any_of(others.begin(), others.end(), [entry](const Assignment& other) {
      return other.entry == entry;
    });
    if (given) continue;
    std::string what = fmt::format("{} (as {})", value.variable, value.setting);
    assignments.push_back({entry, std::move(value.text), value.variable, std::move(what)});
  }
  return assignments;
}

Status Apply(const Assignments& assignments, FleetConfig& config) {
  for (const Assignment& given : assignments) {
    NANOGRID_RETURN_IF_ERROR(given.entry->parse(config, given.what, given.text));
    config.sources.insert_or_assign(std::string(given.entry->setting.name), given.source);
  }
  return absl::OkStatus();
}

std::string DefaultData(const Environment& environment) {
  const auto value_of = [&environment](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  if (const std::string data = value_of("XDG_DATA_HOME"); data.starts_with('/')) {
    return data + "/nanogrid";
  }
  const std::string home = value_of("HOME");
  return home.empty() ? "" : home + "/.local/share/nanogrid";
}

bool IsGiven(const FleetConfig& config, std::string_view name) {
  return config.sources.find(name) != config.sources.end();
}

Status SettlePlaces(const Environment& environment, FleetConfig& config) {
  if (config.data.empty()) config.data = DefaultData(environment);
  std::string data;
  if (!config.data.empty()) {
    std::error_code error;
    data = std::filesystem::absolute(config.data, error).lexically_normal();
    if (error) return ErrnoError(error.value(), "data directory " + config.data);
  }
  if (config.UsesData() && data.empty()) {
    return InvalidArgument(
        "data: neither it nor HOME says where; give data, or all of queue, jobs, catalog and "
        "objects");
  }
  const std::string database = Uri{.scheme = "sqlite", .path = data + "/nanogrid.db"}.ToString();
  if (!IsGiven(config, "queue")) config.queue = database;
  if (!IsGiven(config, "jobs")) config.jobs = database;
  if (!IsGiven(config, "catalog")) config.catalog = database;
  if (!IsGiven(config, "objects")) {
    config.objects =
        Uri{.scheme = "file", .path = data + "/objects", .has_authority = true}.ToString();
  }
  if (!IsGiven(config, "user_data")) config.user_data = config.objects;
  if (config.UsesData() && config.packages.empty()) config.packages = data + "/packages";
  if (!config.mirror.empty() && config.outbox.empty()) {
    if (data.empty()) {
      return InvalidArgument("outbox: missing; copies for {} wait there when it cannot be reached",
                             config.mirror);
    }
    config.outbox = data + "/outbox";
  }
  return absl::OkStatus();
}

Status ReadPassword(FleetConfig& config) {
  if (config.redis_password_file.empty() || !config.redis_password.empty()) return absl::OkStatus();
  const std::filesystem::path path = config.redis_password_file;
  std::error_code ignored;
  const std::string directory = std::filesystem::absolute(path, ignored).parent_path();
  NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<SecretSource> files, MakeFileSecrets(directory));
  const Result<std::string> password = files->Get({}, path.filename().string());
  if (!password.ok()) {
    return Status(password.status().code(),
                  fmt::format("redis.password_file '{}': {}", config.redis_password_file,
                              std::string(password.status().message())));
  }
  config.redis_password = *password;
  return absl::OkStatus();
}

Status CheckTogether(const FleetConfig& config) {
  const FleetScaling& scaling = config.scaling;
  if (scaling.bounds.min_workers > scaling.bounds.max_workers) {
    return InvalidArgument("scaling.min {}: more than scaling.max, {}", scaling.bounds.min_workers,
                           scaling.bounds.max_workers);
  }
  if (!config.gcp_credentials_secret.empty() && config.secrets.empty()) {
    return InvalidArgument("gcp.credentials_secret '{}': needs secrets, the URI of who keeps it",
                           config.gcp_credentials_secret);
  }
  if (scaling.target_delay <= Duration(0)) {
    return InvalidArgument("scaling.target_delay '{}': must be more than 0s",
                           FormatDuration(scaling.target_delay));
  }
  if (scaling.group == "asg" && scaling.asg_name.empty()) {
    return InvalidArgument("scaling.asg_name: missing; scaling.group asg needs it");
  }
  return absl::OkStatus();
}

}  // namespace

bool FleetConfig::UsesData() const {
  for (const std::string_view place : {"queue", "jobs", "catalog", "objects"}) {
    if (!IsGiven(*this, place)) return true;
  }
  return false;
}

Result<FleetConfig> LoadFleetConfig(const FleetSources& sources) {
  std::string file = sources.file;
  if (const auto named = sources.environment.find("NANOGRID_CONFIG");
      file.empty() && named != sources.environment.end()) {
    file = named->second;
  }
  Assignments assignments;
  if (!file.empty()) NANOGRID_RETURN_IF_ERROR(TakeFile(file, assignments));
  NANOGRID_RETURN_IF_ERROR(TakeEnvironment(sources.environment, assignments));
  NANOGRID_RETURN_IF_ERROR(TakeFlags(sources, assignments));
  FleetConfig config;
  NANOGRID_RETURN_IF_ERROR(Apply(MissionAssignments(sources.environment, assignments), config));
  NANOGRID_RETURN_IF_ERROR(Apply(assignments, config));
  NANOGRID_RETURN_IF_ERROR(SettlePlaces(sources.environment, config));
  NANOGRID_RETURN_IF_ERROR(ReadPassword(config));
  NANOGRID_RETURN_IF_ERROR(CheckTogether(config));
  return config;
}

std::map<std::string, std::string, std::less<>> ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == text.npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace nanogrid
