// nanogrid-bench: NanoGrid next to what it is compared with, interleaved in one run.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "machine.h"
#include "scenarios.h"

namespace {

constexpr int kRounds = 400;
constexpr int kQuickRounds = 40;

struct Scenario {
  const char* name;
  const char* help;
  void (*measure)(Bench&);
};
constexpr Scenario kScenarios[] = {
    {"cold", "a static program: vfork+exec, the sandbox, bubblewrap", MeasureColdStart},
    {"warm", "calls of a running native function: a pipe, an instance, the engine",
     MeasureWarmInvoke},
    {"python", "first call of a Python function: python3 -c pass, the engine", MeasurePython},
    {"nodejs", "first call of a Node.js function: node -e 0, the engine", MeasureNodeJs},
    {"large-host", "a static program, from a host with 1 GiB resident", MeasureLargeHost},
    {"throughput", "starts and warm calls per second, 1 and 2 threads", MeasureThroughput},
    {"jobs", "durable jobs: submit and done against one fdatasync, and their rate", MeasureJobs},
    {"neighbours", "calls of a function while others burn CPU, fill memory, fork, flood",
     MeasureNeighbours},
    {"redis", "messages through the Redis queue against the commands it is made of",
     MeasureRedisQueue},
};

std::string Footer() {
  std::string text = "Measurements (NAME):\n";
  for (const Scenario& scenario : kScenarios) {
    text += fmt::format("  {:<12}{}\n", scenario.name, scenario.help);
  }
  return text + "\nExit status: 0 everything ran, 1 something failed to run, 2 usage.";
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Scenario& scenario : kScenarios) names.emplace_back(scenario.name);
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measure NanoGrid next to what it is compared with, interleaved in one run",
               "nanogrid-bench");
  std::vector<std::string> only;
  int rounds = 0;
  bool quick = false, json = false;
  app.add_option("--only", only, "Only this measurement; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(Names()));
  app.add_option("--rounds", rounds,
                 fmt::format("Samples of something quick, back to back (default: {})", kRounds))
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--quick", quick, fmt::format("As --rounds {}", kQuickRounds));
  app.add_flag("--json", json, "Print one JSON object rather than a table");
  app.footer(Footer());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? 0 : 2;
  }

  Report report;
  AddMachineFacts(report);
  auto workspace = Workspace::Make();
  if (!workspace.ok()) {
    fmt::print(stderr, "nanogrid-bench: {}\n", std::string(workspace.status().message()));
    return 1;
  }
  Bench bench{report, **workspace, rounds != 0 ? rounds : quick ? kQuickRounds : kRounds};
  for (const Scenario& scenario : kScenarios) {
    if (!only.empty() && std::find(only.begin(), only.end(), scenario.name) == only.end()) continue;
    fmt::print(stderr, "measuring {} ...\n", scenario.name);
    scenario.measure(bench);
  }
  fmt::print("{}", json ? report.Json() : report.Table());
  return report.failed() ? 1 : 0;
}
