// Operations per second with one and two threads that do nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "contenders.h"
#include "scenarios.h"
#include "statistics.h"

namespace {

constexpr size_t kMaxThreads = 2;
constexpr auto kSlice = std::chrono::milliseconds(250);

using Operation = std::function<nanogrid::Status()>;

struct Racer {
  std::string name{};
  std::vector<Operation> operations{};  // one for each thread
  std::string versus{};
};

// Operations per second of `threads` threads together.
nanogrid::Result<double> RunSlice(const Racer& racer, size_t threads) {
  std::atomic<uint64_t> total = 0;
  std::mutex mutex;
  nanogrid::Status failure;
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + kSlice;
  {
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        uint64_t done = 0;
        for (; std::chrono::steady_clock::now() < end; ++done) {
          const nanogrid::Status status = racer.operations[i]();
          if (status.ok()) continue;
          const std::lock_guard lock(mutex);
          failure = status;
          return;
        }
        total += done;
      });
    }
  }
  if (!failure.ok()) {
    return nanogrid::Status(failure.code(),
                            fmt::format("{}: {}", racer.name, std::string(failure.message())));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(total) / took.count();
}

nanogrid::Status Race(Bench& bench, const std::string& scenario, const std::vector<Racer>& racers,
                      size_t threads, int slices) {
  std::vector<std::vector<double>> rates(racers.size());
  for (int slice = 0; slice < slices; ++slice) {
    for (size_t i = 0; i < racers.size(); ++i) {
      const auto rate = RunSlice(racers[i], threads);
      if (!rate.ok()) return rate.status();
      rates[i].push_back(*rate);
    }
  }
  for (size_t i = 0; i < racers.size(); ++i) {
    Row row = {.scenario = scenario,
               .condition = threads == 1 ? "1 thread" : fmt::format("{} threads", threads),
               .name = racers[i].name,
               .unit = "per s",
               .samples = rates[i].size(),
               .p50 = Median(rates[i])};
    for (size_t j = 0; j < racers.size(); ++j) {
      if (racers[j].name != racers[i].versus) continue;
      row.versus = racers[i].versus;
      row.ratio_of_medians = Median(rates[j]) / row.p50;
      row.median_of_ratios = MedianOfPairedRatios(rates[j], rates[i]);
    }
    bench.report.AddRow(std::move(row));
  }
  return absl::OkStatus();
}

nanogrid::Status MeasureStarts(Bench& bench, int slices) {
  const Workspace& workspace = bench.workspace;
  auto sandbox = nanogrid::MakeLinuxSandbox();
  if (!sandbox.ok()) return sandbox.status();
  const auto for_each_thread = [](const Operation& operation) {
    return std::vector<Operation>(kMaxThreads, operation);
  };
  std::vector<Racer> racers = {
      {.name = "vfork+exec",
       .operations = for_each_thread([&] { return StartPlain(workspace).status(); })},
      {.name = "sandbox",
       .operations = for_each_thread(
           [&] { return StartSandboxed(workspace, **sandbox, Until::kGone).status(); }),
       .versus = HasBubblewrap() ? "bubblewrap" : "vfork+exec"}};
  if (HasBubblewrap()) {
    racers.push_back(
        {.name = "bubblewrap",
         .operations = for_each_thread([&] { return StartBubblewrapped(workspace).status(); }),
         .versus = "vfork+exec"});
  }
  for (const size_t threads : {size_t{1}, kMaxThreads}) {
    nanogrid::Status done =
        Race(bench, "starts of a static program per second", racers, threads, slices);
    if (!done.ok()) return done;
  }
  return absl::OkStatus();
}

nanogrid::Status MeasureInvocations(Bench& bench, int slices) {
  const std::string payload = Payload(64);
  auto engine = OpenEngine();
  if (!engine.ok()) return engine.status();
  const auto version =
      (*engine)->Register({.name = "echo",
                           .code = nanogrid::Code::FromPath(bench.workspace.echo_function()),
                           .runtime = "native"});
  if (!version.ok()) return version.status();

  std::vector<ChildProcess> children;
  std::vector<std::string> answers(kMaxThreads);
  for (size_t i = 0; i < kMaxThreads; ++i) {
    auto child = ChildProcess::Start({bench.workspace.pipe_echo(), std::to_string(payload.size())},
                                     Channel::kPipes);
    if (!child.ok()) return child.status();
    children.push_back(*std::move(child));
  }
  Racer pipes{.name = "pipe round trip"};
  Racer invocations{.name = "engine", .versus = pipes.name};
  const nanogrid::InvokeRequest request = {.function = "echo", .event = payload};
  for (size_t i = 0; i < kMaxThreads; ++i) {
    pipes.operations.push_back([&, i] { return children[i].RoundTrip(payload, answers[i]); });
    invocations.operations.push_back([&] { return (*engine)->Invoke({}, request).status(); });
  }
  for (const size_t threads : {size_t{1}, kMaxThreads}) {
    nanogrid::Status done =
        Race(bench, "warm native calls per second, 64 B", {pipes, invocations}, threads, slices);
    if (!done.ok()) return done;
  }
  return absl::OkStatus();
}

}  // namespace

void MeasureThroughput(Bench& bench) {
  const int slices = std::clamp(bench.rounds / 50, 3, 20);
  for (const auto measure : {MeasureStarts, MeasureInvocations}) {
    const nanogrid::Status done = measure(bench, slices);
    if (!done.ok()) bench.report.AddFailure("throughput", done);
  }
}
