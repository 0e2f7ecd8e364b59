// A worker without a sandbox, as quick as the fleet around it: its functions are a few steps that
// it takes itself, each written to a file that outlives it. Configured as nanogrid-worker is, but
// by the environment alone; FAULTS_RECORDER names the file.
//   {"do": "ok" | "fail" | "flaky" | "poison", "ms": N, "bytes": N} is what functions.py
//   understands, too.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "core/test_program.h"
#include "core/unique_fd.h"
#include "engine/fake_sandbox.h"
#include "nanogrid/adapters/fleet.h"

namespace nanogrid {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep(10);

// What stands behind `"name":`, up to a comma or the end of the object; events are written flat.
std::string_view Member(std::string_view event, std::string_view name) {
  const std::string quoted = fmt::format("\"{}\": ", name);
  const size_t begin = event.find(quoted);
  if (begin == std::string_view::npos) return {};
  event.remove_prefix(begin + quoted.size());
  return event.substr(0, event.find_first_of(",}"));
}
int Number(std::string_view event, std::string_view name) {
  const std::string_view text = Member(event, name);
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "B JOB TOKEN WORKER NANOSECONDS" when a run begins, S for each of its steps, E when it has ended.
class Recorder {
 public:
  Recorder(const char* path, std::string worker)
      : file_(::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)),
        worker_(std::move(worker)) {
    if (!file_) std::exit(1);
  }
  std::string NewToken() { return fmt::format("{}.{}.{}", worker_, ::getpid(), ++runs_); }
  void Write(char what, std::string_view job, std::string_view token) const {
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::string line =
        fmt::format("{} {} {} {} {}{:09}\n", what, job, token, worker_, now.tv_sec, now.tv_nsec);
    if (::write(file_.get(), line.data(), line.size()) < 0) std::exit(1);  // at once
  }

 private:
  const UniqueFd file_;
  const std::string worker_;
  std::atomic<uint64_t> runs_ = 0;
};

Outcome Run(Recorder& recorder, const FakeSandbox::Call& call) {
  thread_local std::mt19937 random(std::random_device{}());
  const std::string_view event = call.invocation.event;
  const std::string_view what = Member(event, "do");
  const std::string job(call.invocation.request_id);
  const std::string token = recorder.NewToken();
  recorder.Write('B', job, token);
  for (milliseconds left(Number(event, "ms")); left.count() > 0; left -= kStep) {
    std::this_thread::sleep_for(std::min(left, kStep));
    if (call.context.stop.stop_requested()) return EndedBy(call.context);
    recorder.Write('S', job, token);
  }
  if (what == "\"poison\"") ::raise(SIGKILL);
  recorder.Write('E', job, token);
  if (what == "\"fail\"" || (what == "\"flaky\"" && random() % 2 == 0)) {
    return {.ending = Ending::kException, .error = FunctionError{"Wanted", "as the event says"}};
  }
  const std::string padding(static_cast<size_t>(Number(event, "bytes")), 'x');
  return Returned(fmt::format(R"({{"token": "{}", "padding": "{}"}})", token, padding));
}

int Main() {
  const char* const file = std::getenv("FAULTS_RECORDER");
  const char* const crashes = std::getenv("FAULTS_MAX_CRASHES");
  if (file == nullptr || crashes == nullptr) return 2;
  static Complain observer;
  const FleetConfig config = Must(LoadFleetConfig({.environment = ReadEnvironment()}));
  const FleetParts stores = Must(OpenFleetParts(config));
  Recorder recorder(file, config.name);
  const auto sandbox = std::make_shared<FakeSandbox>();
  sandbox->on_invoke = [&](const FakeSandbox::Call& call) { return Run(recorder, call); };
  const std::shared_ptr<Engine> engine = Must(
      MakeEngine({.objects = stores.objects,
                  .catalog = stores.catalog,
                  .sandboxes = {{"linux", sandbox}},
                  .runtimes = {{.name = "python3", .extensions = {".py"}, .command = {"/bin/sh"}}},
                  .package_dir = config.packages,
                  .observer = &observer}));
  const auto worker =
      Must(MakeWorker({.engine = engine,
                       .queue = stores.queue,
                       .jobs = stores.jobs,
                       .objects = stores.objects,
                       .dead_letters = stores.dead_letters,
                       .options = {.name = config.name,
                                   .slots = config.slots,
                                   .lease = config.lease,
                                   .max_crashes = static_cast<uint32_t>(std::atoi(crashes)),
                                   .retention = config.retention},
                       .observer = &observer}));
  std::printf("working\n");
  std::fflush(stdout);
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  int which = 0;
  ::sigwait(&ends, &which);
  worker->Stop({});
  return 0;
}

}  // namespace
}  // namespace nanogrid

int main() {
  // Before there are threads: they inherit it.
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return nanogrid::Main();
}
