// How long calls of one function take while others misbehave next to it.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "contenders.h"
#include "scenarios.h"
#include "statistics.h"

namespace {

using nanogrid::Engine;
using nanogrid::Status;

constexpr auto kBetweenCalls = std::chrono::milliseconds(2);

struct Neighbour {
  const char* name;
  const char* script;
};
constexpr Neighbour kNeighbours[] = {
    {"CPU burner", "#!/bin/sh\nwhile :; do :; done\n"},
    {"memory hog", "#!/bin/sh\nexec tail /dev/zero\n"},
    {"fork bomb", "#!/bin/sh\nbomb() { bomb | bomb & }\nbomb\nsleep 1\n"},
    {"inode eater", "#!/bin/sh\ni=0\nwhile : > /tmp/$i; do i=$((i+1)); done\n"},
    {"stdout flood", "#!/bin/sh\nexec yes\n"},
};

// Invokes functions over and over, each on a thread of its own, until destroyed.
class Neighbours {
 public:
  Neighbours(Engine& engine, const std::vector<std::string>& functions) {
    for (const std::string& function : functions) {
      threads_.emplace_back([&engine, function](const std::stop_token& stop) {
        const auto context = nanogrid::Context::WithStop(stop);
        while (!stop.stop_requested()) (void)engine.Invoke(context, {.function = function});
      });
    }
    // Until they are at it.
    if (!threads_.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }

 private:
  std::vector<std::jthread> threads_;
};

nanogrid::Status TakeCalls(Engine& engine, int count, std::vector<double>& microseconds) {
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_for(kBetweenCalls);
    const auto took = Timed([&] { return engine.Invoke({}, {.function = "echo"}).status(); });
    if (!took.ok()) return took.status();
    microseconds.push_back(std::chrono::duration<double, std::micro>(*took).count());
  }
  return absl::OkStatus();
}

// Slices alone and slices with company in turn: the weather is the same for both.
Status MeasureBeside(Bench& bench, Engine& engine, const std::string& condition,
                     const std::vector<std::string>& functions) {
  constexpr int kSlices = 5;
  const int calls = std::max(bench.rounds / kSlices, 20);
  std::vector<double> alone, beside;
  for (int slice = 0; slice < kSlices; ++slice) {
    Status taken = TakeCalls(engine, calls, alone);
    if (!taken.ok()) return taken;
    const Neighbours neighbours(engine, functions);
    taken = TakeCalls(engine, calls, beside);
    if (!taken.ok()) return taken;
  }
  const auto add = [&](const char* name, const std::vector<double>& samples) {
    Row row{.scenario = "warm invoke every 2 ms, native, beside others",
            .condition = condition,
            .name = name,
            .samples = samples.size(),
            .p50 = Median(samples),
            .p99 = Percentile(samples, 0.99)};
    if (&samples == &beside) {
      row.versus = "alone";
      row.ratio_of_medians = row.p50 / Median(alone);
      row.median_of_ratios = MedianOfPairedRatios(beside, alone);
    }
    bench.report.AddRow(std::move(row));
  };
  add("alone", alone);
  add("beside it", beside);
  return absl::OkStatus();
}

}  // namespace

void MeasureNeighbours(Bench& bench) {
  const auto fail = [&](const Status& why) { bench.report.AddFailure("neighbours", why); };
  auto engine = OpenEngine();
  if (!engine.ok()) return fail(engine.status());
  const auto echo =
      (*engine)->Register({.name = "echo",
                           .code = nanogrid::Code::FromPath(bench.workspace.echo_function()),
                           .runtime = "native"});
  if (!echo.ok()) return fail(echo.status());
  std::vector<std::string> all;
  for (const Neighbour& neighbour : kNeighbours) {
    std::string name(neighbour.name);
    std::replace(name.begin(), name.end(), ' ', '-');
    const auto version = (*engine)->Register(
        {.name = name, .code = nanogrid::Code::Inline(name, neighbour.script), .runtime = "exec"});
    if (!version.ok()) return fail(version.status());
    const Status done = MeasureBeside(bench, **engine, neighbour.name, {name});
    if (!done.ok()) return fail(done);
    all.push_back(std::move(name));
  }
  const Status done = MeasureBeside(bench, **engine, "all of them", all);
  if (!done.ok()) fail(done);
}
