#include "fleet/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <limits>

#include "core/errors.h"
#include "core/suggest.h"
#include "nanogrid/settings.h"
#include "nanogrid/uri.h"

namespace nanogrid {
namespace {

// Each kind of setting reads itself from text and writes itself as a value of TOML.

struct Text {
  static constexpr bool kIsText = true;
  static Status Parse(std::string_view, std::string_view text, std::string& value) {
    value = text;
    return absl::OkStatus();
  }
  static std::string Format(const std::string& value) { return QuoteText(value); }
};

struct Secret : Text {
  static std::string Format(const std::string& value) {
    return QuoteText(value.empty() ? "" : "********");
  }
};

struct Address : Text {
  static Status Parse(std::string_view what, std::string_view text, std::string& value) {
    const Result<Uri> uri = Uri::Parse(text);
    if (!uri.ok()) return InvalidArgument("{}: {}", what, std::string(uri.status().message()));
    value = text;
    return absl::OkStatus();
  }
};
// One that may be absent.
struct OptionalAddress : Text {
  static Status Parse(std::string_view what, std::string_view text, std::string& value) {
    if (!text.empty()) return Address::Parse(what, text, value);
    value.clear();
    return absl::OkStatus();
  }
};

template <const auto& Words>
struct Choice : Text {
  static Status Parse(std::string_view what, std::string_view text, std::string& value) {
    if (std::find(Words.begin(), Words.end(), text) == Words.end()) {
      return InvalidArgument("{} '{}': must be {}", what, text, fmt::join(Words, " or "));
    }
    value = text;
    return absl::OkStatus();
  }
};
constexpr std::array<std::string_view, 2> kPolicies = {"step", "backlog"};
constexpr std::array<std::string_view, 3> kGroups = {"none", "process", "asg"};
constexpr std::array<std::string_view, 2> kNotices = {"none", "aws"};

template <uint32_t Min, uint32_t Max>
struct Count {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text, uint32_t& value) {
    uint32_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc() || end != last || number < Min || number > Max) {
      return InvalidArgument("{} '{}': must be a whole number from {} to {}", what, text, Min, Max);
    }
    value = number;
    return absl::OkStatus();
  }
  static std::string Format(uint32_t value) { return fmt::format("{}", value); }
};

struct Share {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text, double& value) {
    double number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
    if (error != std::errc() || end != last || !(number > 0 && number <= 1)) {
      return InvalidArgument("{} '{}': must be a number above 0, at most 1, such as 0.7", what,
                             text);
    }
    value = number;
    return absl::OkStatus();
  }
  static std::string Format(double value) { return fmt::format("{}", value); }
};

struct Size {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text, uint64_t& value) {
    NANOGRID_ASSIGN_OR_RETURN(value, ParseSize(what, text));
    return absl::OkStatus();
  }
  static std::string Format(uint64_t value) { return QuoteText(FormatSize(value)); }
};

struct Time {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text, Duration& value) {
    NANOGRID_ASSIGN_OR_RETURN(value, ParseDuration(what, text));
    return absl::OkStatus();
  }
  static std::string Format(Duration value) { return QuoteText(FormatDuration(value)); }
};
struct Lease : Time {
  static Status Parse(std::string_view what, std::string_view text, Duration& value) {
    NANOGRID_ASSIGN_OR_RETURN(const Duration lease, ParseDuration(what, text));
    if (lease < std::chrono::seconds(1) || lease > std::chrono::hours(12)) {
      return InvalidArgument("{} '{}': must be from 1s to 12h", what, text);
    }
    value = lease;
    return absl::OkStatus();
  }
};
// "none": as long as it takes; "": as the program has it.
struct Patience {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text,
                      std::optional<Duration>& value) {
    value.reset();
    if (text.empty()) return absl::OkStatus();
    if (text == "none") {
      value = Duration::max();
      return absl::OkStatus();
    }
    NANOGRID_ASSIGN_OR_RETURN(value, ParseDuration(what, text));
    return absl::OkStatus();
  }
  static std::string Format(const std::optional<Duration>& value) {
    if (!value) return QuoteText("");
    return QuoteText(*value == Duration::max() ? "none" : FormatDuration(*value));
  }
};

struct Switch {
  static constexpr bool kIsText = false;
  static Status Parse(std::string_view what, std::string_view text, bool& value) {
    if (text != "true" && text != "false") {
      return InvalidArgument("{} '{}': must be true or false", what, text);
    }
    value = text == "true";
    return absl::OkStatus();
  }
  static std::string Format(bool value) { return value ? "true" : "false"; }
};

// `field` picks the setting's member out of a configuration.
template <typename Kind, typename Field>
constexpr ConfigEntry Make(std::string_view name, std::string_view placeholder,
                           std::string_view help, Field, FleetProgram program = FleetProgram::kBoth,
                           bool secret = false) {
  return {
      {name, placeholder, help, program, secret},
      Kind::kIsText,
      [](FleetConfig& config, std::string_view what, std::string_view text) {
        return Kind::Parse(what, text, Field{}(config));
      },
      [](const FleetConfig& config) { return Kind::Format(Field{}(config)); },
  };
}

constexpr uint32_t kAny = std::numeric_limits<uint32_t>::max();

// clang-format off
constexpr std::array kTable = {
    Make<Text>("data", "DIR", "What has no URI below is kept in this directory (default: ~/.local/share/nanogrid)",
               [](auto& of) -> auto& { return of.data; }),
    Make<Address>("queue", "URI", "Messages that jobs wait (default: sqlite, in data)",
                  [](auto& of) -> auto& { return of.queue; }),
    Make<Address>("jobs", "URI", "Records of jobs, their events and logs (default: sqlite, in data)",
                  [](auto& of) -> auto& { return of.jobs; }),
    Make<Address>("catalog", "URI", "Functions and their versions (default: sqlite, in data)",
                  [](auto& of) -> auto& { return of.catalog; }),
    Make<Address>("objects", "URI", "Code, and events too large for a record (default: files, in data)",
                  [](auto& of) -> auto& { return of.objects; }),
    Make<Address>("user_data", "URI", "Result files, and results too large for a record (default: as objects)",
                  [](auto& of) -> auto& { return of.user_data; }),
    Make<OptionalAddress>("mirror", "URI", "A second object store that gets a copy of everything (default: none)",
                          [](auto& of) -> auto& { return of.mirror; }),
    Make<Text>("outbox", "DIR", "Copies that the mirror has not got yet wait here (default: in data)",
               [](auto& of) -> auto& { return of.outbox; }),
    Make<OptionalAddress>("secrets", "URI", "Where secrets are asked for (default: none)",
                          [](auto& of) -> auto& { return of.secrets; }),
    Make<OptionalAddress>("dead_letters", "URI", "A queue for jobs that are given up (default: none)",
                          [](auto& of) -> auto& { return of.dead_letters; }),
    Make<Text>("packages", "DIR", "Unpacked code is cached here (default: in data, or a private directory)",
               [](auto& of) -> auto& { return of.packages; }),
    Make<Text>("listen", "ADDRESS", "Address and port of the controller, 0 for any (default: 127.0.0.1:8080)",
               [](auto& of) -> auto& { return of.listen; }, FleetProgram::kController),
    Make<Text>("status_listen", "ADDRESS", "Address and port for a worker's health and metrics (default: none)",
               [](auto& of) -> auto& { return of.status_listen; }, FleetProgram::kWorker),
    Make<Text>("token_file", "FILE", "Tokens that clients must present, one per line; needed beyond loopback",
               [](auto& of) -> auto& { return of.token_file; }),
    Make<Size>("max_body", "SIZE", "Bytes of an event or of code (default: 256M)",
               [](auto& of) -> auto& { return of.max_body; }, FleetProgram::kController),
    Make<Count<1, 1'000'000>>("max_connections", "N", "At once (default: 20000)",
                              [](auto& of) -> auto& { return of.max_connections; }, FleetProgram::kController),
    Make<Count<0, kAny>>("max_backlog", "N", "Jobs that may wait; beyond, submits are refused; 0: any number (default: 1000000)",
                         [](auto& of) -> auto& { return of.max_backlog; }, FleetProgram::kController),
    Make<Switch>("worker", "true|false", "Whether the controller runs jobs itself, too (default: true)",
                 [](auto& of) -> auto& { return of.worker; }, FleetProgram::kController),
    Make<Text>("name", "NAME", "The worker's, in records of jobs (default: made of host and process)",
               [](auto& of) -> auto& { return of.name; }),
    Make<Count<0, 1000>>("slots", "N", "Jobs that run at once; 0: as many as there are CPUs (default: 0)",
                         [](auto& of) -> auto& { return of.slots; }),
    Make<Lease>("lease", "TIME", "A worker that is silent for so long has lost its jobs (default: 10s)",
                [](auto& of) -> auto& { return of.lease; }),
    Make<Time>("retention", "TIME", "How long finished jobs are kept, with logs and results (default: 24h)",
               [](auto& of) -> auto& { return of.retention; }),
    Make<Patience>("drain", "TIME", "How long running jobs may go on after a signal; none: as long as they take (default: 30s, of a worker none)",
                   [](auto& of) -> auto& { return of.drain; }),
    Make<Choice<kNotices>>("notice", "none|aws", "Who is asked whether this machine goes away; it then drains (default: none)",
                           [](auto& of) -> auto& { return of.notice; }, FleetProgram::kWorker),
    Make<Text>("ai_endpoint", "URL", "The language model for functions with network=host, as AI_ENDPOINT (default: none)",
               [](auto& of) -> auto& { return of.ai_endpoint; }),
    Make<Choice<kPolicies>>("scaling.policy", "step|backlog", "How the number of workers follows the load (default: step)",
                            [](auto& of) -> auto& { return of.scaling.policy; }, FleetProgram::kController),
    Make<Choice<kGroups>>("scaling.group", "none|process|asg", "What starts and ends workers (default: none)",
                          [](auto& of) -> auto& { return of.scaling.group; }, FleetProgram::kController),
    Make<Count<0, 100'000>>("scaling.min", "N", "Workers at least (default: 2)",
                            [](auto& of) -> auto& { return of.scaling.bounds.min_workers; }, FleetProgram::kController),
    Make<Count<1, 100'000>>("scaling.max", "N", "Workers at most (default: 5)",
                            [](auto& of) -> auto& { return of.scaling.bounds.max_workers; }, FleetProgram::kController),
    Make<Time>("scaling.cooldown", "TIME", "After a change, before the next (default: 5m)",
               [](auto& of) -> auto& { return of.scaling.bounds.cooldown; }, FleetProgram::kController),
    Make<Count<1, kAny>>("scaling.scale_out_backlog", "N", "step: one more worker while so many jobs wait (default: 10)",
                         [](auto& of) -> auto& { return of.scaling.scale_out_backlog; }, FleetProgram::kController),
    Make<Time>("scaling.scale_in_after", "TIME", "step: one fewer when none has waited for so long (default: 3m)",
               [](auto& of) -> auto& { return of.scaling.scale_in_after; }, FleetProgram::kController),
    Make<Time>("scaling.target_delay", "TIME", "backlog: in which what waits should be worked off (default: 30s)",
               [](auto& of) -> auto& { return of.scaling.target_delay; }, FleetProgram::kController),
    Make<Share>("scaling.target_utilisation", "SHARE", "backlog: busy share of all slots that is aimed at (default: 0.7)",
                [](auto& of) -> auto& { return of.scaling.target_utilisation; }, FleetProgram::kController),
    Make<Text>("scaling.asg_name", "NAME", "The Auto Scaling group, for group asg (default: none)",
               [](auto& of) -> auto& { return of.scaling.asg_name; }),
    Make<Text>("metrics_namespace", "NAME", "CloudWatch namespace to publish metrics in (default: none)",
               [](auto& of) -> auto& { return of.metrics_namespace; }),
    Make<Text>("redis.username", "NAME", "Whom redis: URIs log in as (default: none)",
               [](auto& of) -> auto& { return of.redis_username; }),
    Make<Secret>("redis.password", "PASSWORD", "With which password; from the environment only (default: none)",
                 [](auto& of) -> auto& { return of.redis_password; }, FleetProgram::kBoth, true),
    Make<Text>("redis.password_file", "FILE", "The file with that password, readable by few (default: none)",
               [](auto& of) -> auto& { return of.redis_password_file; }),
    Make<Text>("gcp.credentials_secret", "NAME", "The secret with the key of a service account, for gs: URIs (default: none)",
               [](auto& of) -> auto& { return of.gcp_credentials_secret; }),
};
// clang-format on

constexpr auto kSettings = [] {
  std::array<FleetSetting, kTable.size()> settings{};
  for (size_t i = 0; i < settings.size(); ++i) settings[i] = kTable[i].setting;
  return settings;
}();
constexpr auto kNames = [] {
  std::array<std::string_view, kTable.size()> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kTable[i].setting.name;
  return names;
}();

}  // namespace

std::span<const FleetSetting> FleetSettings() { return kSettings; }

std::string FleetFlag(const FleetSetting& setting) {
  std::string flag(setting.name);
  std::replace_if(
      flag.begin(), flag.end(), [](char c) { return c == '_' || c == '.'; }, '-');
  return flag;
}

std::string FleetVariable(const FleetSetting& setting) {
  std::string variable = "NANOGRID_";
  for (const char c : setting.name) {
    variable += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

std::span<const ConfigEntry> ConfigTable() { return kTable; }

const ConfigEntry* FindConfigEntry(std::string_view name) {
  const auto found = std::find_if(kTable.begin(), kTable.end(), [name](const ConfigEntry& entry) {
    return entry.setting.name == name;
  });
  return found == kTable.end() ? nullptr : &*found;
}

std::string UnknownSettingText(std::string_view name) {
  const std::string_view shown = name.substr(0, 64);
  if (const auto nearest = NearestName(shown, kNames)) {
    return fmt::format("'{}' is not a setting; did you mean '{}'?", shown, *nearest);
  }
  return fmt::format("'{}' is not a setting; there are: {}", shown, fmt::join(kNames, " "));
}

std::string QuoteText(std::string_view text) {
  std::string quoted = boost::json::serialize(boost::json::string_view(text.data(), text.size()));
  // JSON takes it as it is, TOML does not.
  for (size_t at = 0; (at = quoted.find('\x7f', at)) != quoted.npos;)
    quoted.replace(at, 1, "\\u007f");
  return quoted;
}

}  // namespace nanogrid
