// nanogrid doctor: what isolation this machine offers, what is missing, and the exact fix.
#include <fmt/format.h>
#include <nanogrid/adapters/docker.h>
#include <nanogrid/adapters/fleet.h>
#include <nanogrid/adapters/linux_sandbox.h>
#include <nanogrid/runtime.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "output.h"
#include "place.h"
#include "tool_version.h"

namespace {

using nanogrid::IsolationCheck;
using Level = nanogrid::IsolationCheck::Level;

// Functions that may reach beyond their sandbox: "scraper:3". An error: they cannot be looked at.
using Granted = nanogrid::Result<std::vector<std::string>>;

Granted GrantedHostNetwork(const PlaceOptions& options) {
  std::vector<std::string> granted;
  if (!PlaceExists(options)) return granted;
  const auto place = OpenPlace(options);
  if (!place.ok()) return place.status();
  std::string cursor;
  do {
    const auto page = (*place)->controller().engine().List({}, cursor, 1000);
    if (!page.ok()) return page.status();
    for (const nanogrid::FunctionVersion& function : page->functions) {
      if (function.grants.network != nanogrid::Network::kHost) continue;
      granted.push_back(fmt::format("{}:{}", function.name, function.number));
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  return granted;
}

// The parts of a fleet, if its configuration was named. An error: that cannot be read.
using FleetFindings = nanogrid::Result<std::vector<nanogrid::FleetFinding>>;

FleetFindings LookAtFleet(const std::string& config_file) {
  if (config_file.empty()) return std::vector<nanogrid::FleetFinding>();
  const auto config =
      nanogrid::LoadFleetConfig({.file = config_file, .environment = nanogrid::ReadEnvironment()});
  if (!config.ok()) return config.status();
  return nanogrid::InspectFleet(*config);
}

bool AllWell(const FleetFindings& fleet) {
  return fleet.ok() && std::all_of(fleet->begin(), fleet->end(),
                                   [](const auto& part) { return part.status.ok(); });
}

// What the host must have for a kind of code to be run.
struct Tool {
  std::string purpose{};  // a runtime, "python3", or the sources that are compiled, ".go"
  std::string path{};
  std::string version{};  // empty: missing
  std::string fix{};      // if missing
};

std::vector<Tool> Tools() {
  std::vector<Tool> tools;
  const auto look = [&tools](std::string purpose, const std::string& path,
                             const std::string& hint) {
    const auto same = [&path](const Tool& tool) { return tool.path == path; };
    if (path.empty() || std::any_of(tools.begin(), tools.end(), same)) return;
    Tool tool{.purpose = std::move(purpose), .path = path, .version = ToolVersion(path)};
    if (tool.version.empty()) tool.fix = hint;
    tools.push_back(std::move(tool));
  };
  for (const nanogrid::Runtime& runtime : nanogrid::BuiltinRuntimes()) {
    look(runtime.name, runtime.requires_path, runtime.install_hint);
    for (const nanogrid::Compiler& compiler : runtime.compilers) {
      look(fmt::format("{}", fmt::join(compiler.extensions, " ")), compiler.tool,
           compiler.install_hint);
    }
  }
  return tools;
}

std::string_view NameOf(Level level) {
  return level == Level::kOk ? "ok" : level == Level::kWarning ? "warning" : "error";
}

std::string ReportJson(const nanogrid::IsolationReport& report,
                       const nanogrid::DockerReport& docker, const std::vector<Tool>& tools,
                       const Granted& host_network, const std::string& fleet) {
  std::vector<std::string> checks;
  for (const IsolationCheck& check : report.checks) {
    checks.push_back(fmt::format(R"({{"name":{},"level":"{}","detail":{},"fix":{}}})",
                                 JsonString(check.name), NameOf(check.level),
                                 JsonString(check.detail), JsonString(check.fix)));
  }
  std::vector<std::string> granted;
  for (const std::string& function : host_network.value_or(std::vector<std::string>())) {
    granted.push_back(JsonString(function));
  }
  std::vector<std::string> found;
  for (const Tool& tool : tools) {
    found.push_back(fmt::format(R"({{"name":{},"path":{},"version":{},"fix":{}}})",
                                JsonString(tool.purpose), JsonString(tool.path),
                                tool.version.empty() ? "null" : JsonString(tool.version),
                                JsonString(tool.fix)));
  }
  return fmt::format(
      R"({{"usable":{},"mode":{},"cgroups":{},"checks":[{}],"docker":{{"reachable":{},)"
      R"("detail":{}}},"runtimes":[{}],"host_network":{},"fleet":{}}})"
      "\n",
      report.usable, JsonString(report.mode), JsonString(report.cgroups), fmt::join(checks, ","),
      docker.reachable, JsonString(docker.detail), fmt::join(found, ","),
      host_network.ok() ? fmt::format("[{}]", fmt::join(granted, ",")) : "null", fleet);
}

std::string FleetJson(const FleetFindings& fleet) {
  if (!fleet.ok()) {
    return fmt::format(R"({{"error":{}}})", JsonString(std::string(fleet.status().message())));
  }
  std::vector<std::string> parts;
  for (const nanogrid::FleetFinding& part : *fleet) {
    std::vector<std::string> warnings;
    for (const std::string& warning : part.warnings) warnings.push_back(JsonString(warning));
    parts.push_back(
        fmt::format(R"({{"setting":{},"uri":{},"ok":{},"detail":{},"fix":{},"warnings":[{}]}})",
                    JsonString(part.setting), JsonString(part.uri), part.status.ok(),
                    JsonString(std::string(part.status.message())), JsonString(part.fix),
                    fmt::join(warnings, ",")));
  }
  return fmt::format("[{}]", fmt::join(parts, ","));
}

class Page {
 public:
  void Heading(std::string_view text) { out_.Print(fmt::format("\n{}\n", text)); }

  void Line(Level level, std::string_view name, std::string_view detail, std::string_view fix) {
    const std::string mark = level == Level::kOk        ? out_.Paint(Color::kGreen, "✔")
                             : level == Level::kWarning ? out_.Paint(Color::kYellow, "!")
                                                        : out_.Paint(Color::kRed, "✘");
    out_.Print(fmt::format("  {} {:<22} {}\n", mark, name, detail));
    if (!fix.empty())
      out_.Print(fmt::format("      {} {}\n", out_.Paint(Color::kDim, "fix:"), fix));
  }

  void Verdict(bool usable) {
    out_.Print(usable
                   ? out_.Paint(Color::kGreen, "\nReady: functions can be run in isolation.\n")
                   : out_.Paint(Color::kRed, "\nNo function can be run: fix what is marked ✘.\n"));
  }

 private:
  Output out_{stdout};
};

void PrintGrants(Page& page, const Granted& host_network) {
  if (!host_network.ok()) {
    const std::string why = EscapeForTerminal(std::string(host_network.status().message()));
    return page.Line(Level::kWarning, "network=host", "cannot be looked at: " + why, "");
  }
  if (host_network->empty()) page.Line(Level::kOk, "network=host", "no function has it", "");
  for (const std::string& function : *host_network) {
    page.Line(Level::kError, function, "DANGEROUS: network=host, all that this machine reaches",
              "deploy it again without --network host");
  }
}

void PrintFleet(Page& page, const FleetFindings& fleet) {
  if (fleet.ok() && fleet->empty()) return;
  page.Heading("Fleet");
  if (!fleet.ok()) {
    const std::string why = EscapeForTerminal(std::string(fleet.status().message()));
    return page.Line(Level::kError, "configuration", why, "");
  }
  for (const nanogrid::FleetFinding& part : *fleet) {
    const bool ok = part.status.ok();
    const std::string why = EscapeForTerminal(std::string(part.status.message()));
    page.Line(ok ? Level::kOk : Level::kError, part.setting, ok ? part.uri : why, part.fix);
    for (const std::string& warning : part.warnings) {
      page.Line(Level::kWarning, "", EscapeForTerminal(warning), "");
    }
  }
}

void PrintReport(const nanogrid::IsolationReport& report, const nanogrid::DockerReport& docker,
                 const std::vector<Tool>& tools, const Granted& host_network,
                 const FleetFindings& fleet) {
  utsname host = {};
  uname(&host);
  Page page;
  page.Heading(fmt::format("Isolation on {} {} {}, {}, control groups {}", host.sysname,
                           host.release, host.machine, report.mode, report.cgroups));
  for (const IsolationCheck& check : report.checks) {
    page.Line(check.level, check.name, check.detail, check.fix);
  }
  page.Heading("Containers, for functions that want --sandbox docker");
  page.Line(docker.reachable ? Level::kOk : Level::kWarning, "Docker engine", docker.detail, "");
  page.Heading("Languages");
  for (const Tool& tool : tools) {
    const bool found = !tool.version.empty();
    page.Line(found ? Level::kOk : Level::kWarning, tool.purpose,
              found ? tool.version : tool.path + " is missing", tool.fix);
  }
  page.Heading("Grants");
  PrintGrants(page, host_network);
  PrintFleet(page, fleet);
  page.Verdict(report.usable);
}

ExitCode Doctor(bool json, const std::string& config, const PlaceOptions& place) {
  const FleetFindings fleet = LookAtFleet(config);
  const Granted host_network = GrantedHostNetwork(place);
  const nanogrid::IsolationReport report = nanogrid::InspectLinuxSandbox();
  const nanogrid::DockerReport docker = nanogrid::InspectDocker();
  const std::vector<Tool> tools = Tools();
  if (json) {
    Output(stdout).Print(ReportJson(report, docker, tools, host_network,
                                    config.empty() ? "null" : FleetJson(fleet)));
  } else {
    PrintReport(report, docker, tools, host_network, fleet);
  }
  return report.usable && AllWell(fleet) ? kExitSuccess : kExitEngineFailed;
}

}  // namespace

Command AddDoctorCommand(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto config = std::make_shared<std::string>();
  auto place = std::make_shared<PlaceOptions>();
  CLI::App* const command = app.add_subcommand(
      "doctor", "Say what isolation this machine offers, what is missing, and the fix");
  command->add_flag("--json", *json, "Print one object");
  command
      ->add_option("--config", *config,
                   "Look at the queue and stores of this fleet, too: the file that its controllers "
                   "and workers have")
      ->type_name("FILE");
  AddPlaceOptions(*command, *place);
  command->footer(
      "Examples:\n  nanogrid doctor\n  nanogrid doctor --json\n"
      "  nanogrid doctor --config /etc/nanogrid/fleet.toml\n\n"
      "Exit status: 0 functions can be run, and all parts of the fleet answer; 3 otherwise.");
  return {command, [json, config, place] { return Doctor(*json, *config, *place); }};
}
