// Warm invoke: an echo in a running native instance, against the same bytes through a raw pipe.
#include <fmt/format.h>

#include "contenders.h"
#include "scenarios.h"

namespace {

constexpr double kBar = 1.5;

nanogrid::Status InvokeInstance(nanogrid::Instance& instance, const std::string& payload) {
  const auto outcome =
      instance.Invoke({}, {.request_id = "bench", .event = payload}, nanogrid::LogSink::Null());
  if (!outcome.ok()) return outcome.status();
  if (outcome->result != payload) return absl::InternalError("the echo differs");
  return absl::OkStatus();
}

nanogrid::Status MeasurePayload(Bench& bench, const std::string& scenario, size_t size,
                                nanogrid::Engine& engine, nanogrid::Instance& warm,
                                nanogrid::Instance& frozen) {
  const std::string payload = Payload(size);
  std::string answer;
  const std::vector<std::string> echo = {bench.workspace.pipe_echo(), std::to_string(size)};
  auto pipes = ChildProcess::Start(echo, Channel::kPipes);
  if (!pipes.ok()) return pipes.status();
  auto socket = ChildProcess::Start(echo, Channel::kSocket);
  if (!socket.ok()) return socket.status();

  const nanogrid::InvokeRequest request = {.function = "echo", .event = payload};
  const auto contenders = std::vector<Contender>{
      {.name = "pipe round trip",
       .measure = [&] { return Timed([&] { return pipes->RoundTrip(payload, answer); }); }},
      {.name = "socket round trip",
       .measure = [&] { return Timed([&] { return socket->RoundTrip(payload, answer); }); },
       .versus = "pipe round trip"},
      {.name = "instance",
       .measure = [&] { return Timed([&] { return InvokeInstance(warm, payload); }); },
       .versus = "pipe round trip",
       .bar = kBar},
      {.name = "instance, frozen",
       .measure = [&] { return Timed([&] { return InvokeInstance(frozen, payload); }); },
       .prepare = [&] { return frozen.Freeze(); },
       .versus = "pipe round trip"},
      {.name = "engine",
       .measure =
           [&] {
             return Timed([&] {
               return InvokeChecked(engine, request, nanogrid::StartKind::kWarm).status();
             });
           },
       .versus = "pipe round trip",
       .bar = kBar},
  };
  Measure(bench, scenario, contenders, 4 * bench.rounds);
  return absl::OkStatus();
}

}  // namespace

void MeasureWarmInvoke(Bench& bench) {
  const auto fail = [&](const nanogrid::Status& why) {
    bench.report.AddFailure("warm invoke", why);
  };
  auto sandbox = nanogrid::MakeLinuxSandbox();
  if (!sandbox.ok()) return fail(sandbox.status());
  auto warm = (*sandbox)->Start({}, EchoPackage(bench.workspace));
  if (!warm.ok()) return fail(warm.status());
  auto frozen = (*sandbox)->Start({}, EchoPackage(bench.workspace));
  if (!frozen.ok()) return fail(frozen.status());
  auto engine = OpenEngine();
  if (!engine.ok()) return fail(engine.status());
  const auto version =
      (*engine)->Register({.name = "echo",
                           .code = nanogrid::Code::FromPath(bench.workspace.echo_function()),
                           .runtime = "native"});
  if (!version.ok()) return fail(version.status());
  const auto first = InvokeChecked(**engine, {.function = "echo"}, nanogrid::StartKind::kCold);
  if (!first.ok()) return fail(first.status());

  for (const auto& [size, text] : std::initializer_list<std::pair<size_t, const char*>>{
           {64, "64 B"}, {1024, "1 KiB"}, {64 * 1024, "64 KiB"}}) {
    const nanogrid::Status done = MeasurePayload(
        bench, fmt::format("warm invoke, native, {}", text), size, **engine, **warm, **frozen);
    if (!done.ok()) return fail(done);
  }
}
