// Whether a host that has much memory pays for it: cold starts with and without 1 GiB resident.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "contenders.h"
#include "scenarios.h"

namespace {

constexpr char kScenario[] = "cold start from a host with 1 GiB resident";
constexpr size_t kBallast = size_t{1} << 30;
constexpr int kBlocks = 5;  // with and without in turn, because filling memory takes its time

// Memory in small pages, as a heap that grew over time has it.
class Ballast {
 public:
  Ballast()
      : memory_(
            mmap(nullptr, kBallast, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (!ok()) return;
    madvise(memory_, kBallast, MADV_NOHUGEPAGE);
    std::memset(memory_, 1, kBallast);
  }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  ~Ballast() {
    if (ok()) munmap(memory_, kBallast);
  }
  bool ok() const { return memory_ != MAP_FAILED; }

 private:
  void* const memory_;
};

using Series = std::vector<std::vector<double>>;

// One contender alone: a fork of a large host leaves write-protected pages and cold caches to
// whatever comes next.
nanogrid::Status Append(const Contender& contender, const Schedule& schedule,
                        std::vector<double>& series) {
  const auto taken = Interleave({contender}, schedule);
  if (!taken.ok()) return taken.status();
  series.insert(series.end(), taken->front().begin(), taken->front().end());
  return absl::OkStatus();
}

void MeasureCondition(Bench& bench, nanogrid::Sandbox& sandbox, const std::string& condition,
                      const Schedule& schedule) {
  const Workspace& workspace = bench.workspace;
  const auto sandboxed = [&] { return StartSandboxed(workspace, sandbox, Until::kResult); };
  const auto forked = [&] { return StartPlain(workspace, Launcher::kFork); };
  const std::vector<Contender> contenders = {
      {.name = "sandbox, small host", .measure = sandboxed},
      {.name = "sandbox, large host",
       .measure = sandboxed,
       .versus = "sandbox, small host",
       .bar = 1.1},  // nothing more, as far as one run can tell
      {.name = "fork+exec, small host", .measure = forked},
      {.name = "fork+exec, large host", .measure = forked, .versus = "fork+exec, small host"}};
  enum { kSandboxSmall, kSandboxLarge, kForkSmall, kForkLarge };
  Series series(contenders.size());
  nanogrid::Status done;
  const auto append = [&](size_t which) {
    if (done.ok()) done = Append(contenders[which], schedule, series[which]);
  };
  for (int block = 0; block < kBlocks; ++block) {
    append(kForkSmall);
    append(kSandboxSmall);
    const Ballast ballast;
    if (!ballast.ok()) return bench.report.AddSkip(kScenario, "cannot get 1 GiB of memory");
    append(kSandboxLarge);
    append(kForkLarge);
  }
  if (!done.ok()) return bench.report.AddFailure(kScenario, done);
  bench.report.AddTimes(kScenario, condition, contenders, series);
}

}  // namespace

void MeasureLargeHost(Bench& bench) {
  auto sandbox = nanogrid::MakeLinuxSandbox();
  if (!sandbox.ok()) return bench.report.AddFailure(kScenario, sandbox.status());
  // A fork of the large host takes milliseconds.
  const int rounds = std::max(bench.rounds / 4, 2 * kBlocks);
  MeasureCondition(bench, **sandbox, "back to back", {.rounds = rounds / kBlocks});
  MeasureCondition(bench, **sandbox, "after 100 ms idle",
                   {.rounds = std::max(IdleRounds(rounds) / kBlocks, 2),
                    .idle = std::chrono::milliseconds(100)});
}
