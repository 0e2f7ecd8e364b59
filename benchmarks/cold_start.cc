// Cold start: from nothing to the result of the same tiny static program.
#include "contenders.h"
#include "scenarios.h"

namespace {

constexpr char kScenario[] = "cold start of a static program";

}  // namespace

void MeasureColdStart(Bench& bench) {
  const Workspace& workspace = bench.workspace;
  auto sandbox = nanogrid::MakeLinuxSandbox();
  if (!sandbox.ok()) return bench.report.AddFailure(kScenario, sandbox.status());
  auto engine = OpenEngine();
  if (!engine.ok()) return bench.report.AddFailure(kScenario, engine.status());
  const auto version = (*engine)->Register(
      {.name = "tiny", .code = nanogrid::Code::FromPath(workspace.tiny()), .runtime = "exec"});
  if (!version.ok()) return bench.report.AddFailure(kScenario, version.status());

  const std::string peer = HasBubblewrap() ? "bubblewrap" : "vfork+exec";
  const std::optional<double> bar = HasBubblewrap() ? std::optional(0.5) : std::nullopt;
  std::vector<Contender> contenders = {
      {.name = "vfork+exec", .measure = [&] { return StartPlain(workspace); }},
      {.name = "sandbox, to the result",
       .measure = [&] { return StartSandboxed(workspace, **sandbox, Until::kResult); },
       .versus = peer,
       .bar = bar},
      {.name = "sandbox, until it is gone",
       .measure = [&] { return StartSandboxed(workspace, **sandbox, Until::kGone); },
       .versus = peer,
       .bar = bar},
      {.name = "engine",
       .measure =
           [&] {
             return Timed([&] {
               return InvokeChecked(**engine, {.function = "tiny", .event = ""},
                                    nanogrid::StartKind::kCold)
                   .status();
             });
           },
       .versus = peer,
       .bar = bar},
  };
  if (HasBubblewrap()) {
    contenders.push_back({.name = "bubblewrap",
                          .measure = [&] { return StartBubblewrapped(workspace); },
                          .versus = "vfork+exec"});
  } else {
    bench.report.AddSkip("bubblewrap", "not installed (apt-get install bubblewrap)");
  }
  Measure(bench, kScenario, contenders, bench.rounds);
}
