// nanogrid doctor: what isolation this machine offers, what is missing, and the exact fix.
#include <fmt/format.h>
#include <nanogrid/adapters/docker.h>
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
                       const Granted& host_network) {
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
      R"("detail":{}}},"runtimes":[{}],"host_network":{}}})"
      "\n",
      report.usable, JsonString(report.mode), JsonString(report.cgroups), fmt::join(checks, ","),
      docker.reachable, JsonString(docker.detail), fmt::join(found, ","),
      host_network.ok() ? fmt::format("[{}]", fmt::join(granted, ",")) : "null");
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

void PrintReport(const nanogrid::IsolationReport& report, const nanogrid::DockerReport& docker,
                 const std::vector<Tool>& tools, const Granted& host_network) {
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
  page.Verdict(report.usable);
}

ExitCode Doctor(bool json, const PlaceOptions& place) {
  const Granted host_network = GrantedHostNetwork(place);
  const nanogrid::IsolationReport report = nanogrid::InspectLinuxSandbox();
  const nanogrid::DockerReport docker = nanogrid::InspectDocker();
  const std::vector<Tool> tools = Tools();
  if (json) {
    Output(stdout).Print(ReportJson(report, docker, tools, host_network));
  } else {
    PrintReport(report, docker, tools, host_network);
  }
  return report.usable ? kExitSuccess : kExitEngineFailed;
}

}  // namespace

Command AddDoctorCommand(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto place = std::make_shared<PlaceOptions>();
  CLI::App* const command = app.add_subcommand(
      "doctor", "Say what isolation this machine offers, what is missing, and the fix");
  command->add_flag("--json", *json, "Print one object");
  AddPlaceOptions(*command, *place);
  command->footer(
      "Examples:\n  nanogrid doctor\n  nanogrid doctor --json\n\n"
      "Exit status: 0 functions can be run, 3 they cannot.");
  return {command, [json, place] { return Doctor(*json, *place); }};
}
