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
#include "tool_version.h"

namespace {

using nanogrid::IsolationCheck;
using Level = nanogrid::IsolationCheck::Level;

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
                       const nanogrid::DockerReport& docker, const std::vector<Tool>& tools) {
  std::vector<std::string> checks;
  for (const IsolationCheck& check : report.checks) {
    checks.push_back(fmt::format(R"({{"name":{},"level":"{}","detail":{},"fix":{}}})",
                                 JsonString(check.name), NameOf(check.level),
                                 JsonString(check.detail), JsonString(check.fix)));
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
      R"("detail":{}}},"runtimes":[{}]}})"
      "\n",
      report.usable, JsonString(report.mode), JsonString(report.cgroups), fmt::join(checks, ","),
      docker.reachable, JsonString(docker.detail), fmt::join(found, ","));
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

void PrintReport(const nanogrid::IsolationReport& report, const nanogrid::DockerReport& docker,
                 const std::vector<Tool>& tools) {
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
  page.Verdict(report.usable);
}

ExitCode Doctor(bool json) {
  const nanogrid::IsolationReport report = nanogrid::InspectLinuxSandbox();
  const nanogrid::DockerReport docker = nanogrid::InspectDocker();
  const std::vector<Tool> tools = Tools();
  if (json) {
    Output(stdout).Print(ReportJson(report, docker, tools));
  } else {
    PrintReport(report, docker, tools);
  }
  return report.usable ? kExitSuccess : kExitEngineFailed;
}

}  // namespace

Command AddDoctorCommand(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  CLI::App* const command = app.add_subcommand(
      "doctor", "Say what isolation this machine offers, what is missing, and the fix");
  command->add_flag("--json", *json, "Print one object");
  command->footer(
      "Examples:\n  nanogrid doctor\n  nanogrid doctor --json\n\n"
      "Exit status: 0 functions can be run, 3 they cannot.");
  return {command, [json] { return Doctor(*json); }};
}
