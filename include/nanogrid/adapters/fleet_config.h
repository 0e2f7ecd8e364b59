// The settings of controllers and workers: one table for files, environment and command lines.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nanogrid/scaling.h"

namespace nanogrid {

// The programs that have a setting as a flag. A file may hold all settings for both.
enum class FleetProgram { kBoth, kController, kWorker };

// A setting has one name, "scaling.min", in files; NANOGRID_SCALING_MIN in the environment;
// --scaling-min on command lines.
struct FleetSetting {
  std::string_view name;
  std::string_view placeholder;  // "TIME"
  std::string_view help;         // one line
  FleetProgram program = FleetProgram::kBoth;
  bool secret = false;  // from the environment only, and never shown
};
// All, in the order in which help shows them.
std::span<const FleetSetting> FleetSettings();
std::string FleetFlag(const FleetSetting& setting);      // "scaling-min"
std::string FleetVariable(const FleetSetting& setting);  // "NANOGRID_SCALING_MIN"

struct FleetScaling {
  std::string policy = "step";  // "step", "backlog"
  std::string group = "none";   // "none", "process", "asg"
  ScalingBounds bounds{};
  uint32_t scale_out_backlog = 10;
  Duration scale_in_after = std::chrono::minutes(3);
  Duration target_delay = std::chrono::seconds(30);
  double target_utilisation = 0.7;
  std::string asg_name{};
};

// Settled: what was not given is what it is by default. URIs are well-formed.
struct FleetConfig {
  std::string name{};  // of the worker; empty: "host-pid-random"
  // Holds what no URI says otherwise: $XDG_DATA_HOME/nanogrid or ~/.local/share/nanogrid.
  std::string data{};
  std::string queue{};
  std::string jobs{};
  std::string catalog{};
  std::string objects{};
  std::string user_data{};     // result files and large results
  std::string mirror{};        // empty: none
  std::string outbox{};        // a directory
  std::string secrets{};       // empty: none
  std::string dead_letters{};  // empty: the job's record alone says it
  std::string packages{};      // empty: a private directory of the process

  std::string listen = "127.0.0.1:8080";  // of a controller
  std::string status_listen{};            // of a worker; empty: nowhere
  std::string token_file{};
  uint64_t max_body = 256ull << 20;
  uint32_t max_connections = 20'000;
  uint32_t max_backlog = 1'000'000;  // 0: no bound

  bool worker = true;  // a controller runs jobs, too
  uint32_t slots = 0;
  Duration lease = std::chrono::seconds(10);
  Duration retention = std::chrono::hours(24);
  std::optional<Duration> drain{};  // max(): as long as it takes; none: the program's own
  std::string notice = "none";      // "none", "aws"
  std::string ai_endpoint{};

  FleetScaling scaling{};
  std::string metrics_namespace{};  // of CloudWatch; empty: none
  std::string redis_username{};
  std::string redis_password{};
  std::string redis_password_file{};
  std::string gcp_credentials_secret{};  // the name of a secret

  // Which setting comes from where: "NANOGRID_SLOTS", "/etc/nanogrid.toml:3". Others: the default.
  std::map<std::string, std::string, std::less<>> sources{};

  // Whether queue, jobs, catalog or objects are in `data`.
  bool UsesData() const;
};

struct FleetSources {
  std::string file{};  // TOML or JSON; empty: what NANOGRID_CONFIG names, or none
  std::map<std::string, std::string, std::less<>> environment{};
  // From the command line: name of the setting, its text. The last one of a name counts.
  std::vector<std::pair<std::string, std::string>> flags{};
};
// Flags beat the environment, that beats the file, that the variables of the first platform
// (SQS_QUEUE_URL, …), those the defaults. InvalidArgument names source, setting and value, and says
// what would be right; for an unknown name, the nearest. No secret is ever in an error.
Result<FleetConfig> LoadFleetConfig(const FleetSources& sources);

// This process's environment.
std::map<std::string, std::string, std::less<>> ReadEnvironment();

// All settings with where they come from; secrets masked. The TOML is a file to start from.
std::string FleetConfigToml(const FleetConfig& config);
std::string FleetConfigJson(const FleetConfig& config);

}  // namespace nanogrid
