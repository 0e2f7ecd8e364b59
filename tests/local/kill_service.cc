// What kill_test kills: kill_service fake|linux DATA NEXT... | kill_service fake|linux DATA
// A controller and a worker on a data directory. With numbers, a thread for each submits jobs, the
// n-th of thread t under the key "t-n", from the given n on, until the process dies, and tells on
// standard output "t n ID" for each that was acknowledged. Without, it ends when every job has.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/test_program.h"
#include "engine/fake_sandbox.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/local.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Leases are short, so that what a killed process held comes back soon; no job is given up.
const WorkerOptions kWorker{.slots = 16, .lease = seconds(1), .max_crashes = 1000};
const ControllerOptions kController{.sweep_every = milliseconds(100)};

// As OpenService, but functions are answered by a fake that takes its time.
class FakeService {
 public:
  explicit FakeService(const std::string& data) {
    SqliteStores stores = Must(OpenSqlite({.path = data + "/nanogrid.db"}));
    auto sandbox = std::make_shared<FakeSandbox>();
    sandbox->on_invoke = [](const FakeSandbox::Call& call) {
      thread_local std::mt19937 random(std::random_device{}());
      call.log.Write("begin\n");
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
      call.log.Write("end\n");
      return Returned(std::string(call.invocation.event));
    };
    const std::shared_ptr<ObjectStore> objects =
        Must(MakeFileObjectStore(FileObjectStoreOptions{.directory = data + "/objects"}));
    const std::shared_ptr<Engine> engine = Must(
        MakeEngine({.objects = objects,
                    .catalog = std::move(stores.catalog),
                    .sandboxes = {{"linux", sandbox}},
                    .runtimes = {{.name = "fake", .extensions = {".sh"}, .command = {"/bin/sh"}}},
                    .package_dir = data + "/packages",
                    .observer = &observer_}));
    const std::shared_ptr<Queue> queue = std::move(stores.queue);
    const std::shared_ptr<JobStore> jobs = std::move(stores.jobs);
    controller_ = Must(MakeController({.engine = engine,
                                       .queue = queue,
                                       .jobs = jobs,
                                       .objects = objects,
                                       .options = kController,
                                       .observer = &observer_}));
    worker_ = Must(MakeWorker({.engine = engine,
                               .queue = queue,
                               .jobs = jobs,
                               .objects = objects,
                               .options = kWorker,
                               .observer = &observer_}));
  }
  Controller& controller() { return *controller_; }

 private:
  Complain observer_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<Worker> worker_;
};

// Every tenth is too large for a record.
std::string EventOf(const std::string& key, unsigned long n) {
  const std::string padding(n % 10 == 0 ? 2 * JobStore::kMaxInline : n % 1000, ' ');
  return '"' + key + padding + '"';
}

void SubmitForEver(Controller& controller, unsigned long thread, unsigned long next) {
  std::mt19937 random(std::random_device{}());
  for (unsigned long n = next;; ++n) {
    const std::string key = std::to_string(thread) + "-" + std::to_string(n);
    const Job job = Must(controller.Submit(
        {}, {.function = "echo", .event = EventOf(key, n), .idempotency_key = key}));
    // At once: it is shorter than PIPE_BUF.
    const std::string line = std::to_string(thread) + " " + std::to_string(n) + " " + job.id + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::exit(1);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
  }
}

void WaitForAll(Controller& controller) {
  constexpr size_t kPending = 0, kProcessing = 1;
  while (true) {
    const auto counts = Must(controller.CountJobs({}));
    if (counts[kPending] + counts[kProcessing] == 0) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void Work(Controller& controller, const std::vector<unsigned long>& next) {
  Must(controller.engine().Register(
      {.name = "echo", .code = Code::Inline("echo.sh", "#!/bin/sh\nexec cat\n")}));
  if (next.empty()) return WaitForAll(controller);
  std::vector<std::jthread> threads;
  for (unsigned long thread = 0; thread < next.size(); ++thread) {
    threads.emplace_back([&, thread] { SubmitForEver(controller, thread, next[thread]); });
  }
}

}  // namespace
}  // namespace nanogrid

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string data = argv[2];
  std::vector<unsigned long> next;
  for (int i = 3; i < argc; ++i) next.push_back(std::stoul(argv[i]));
  if (argv[1] == std::string("fake")) {
    nanogrid::FakeService service(data);
    nanogrid::Work(service.controller(), next);
  } else {
    nanogrid::Complain observer;
    nanogrid::ServiceOptions options{
        .data = data, .controller = nanogrid::kController, .worker = nanogrid::kWorker};
    options.local.observer = &observer;
    const auto service = nanogrid::Must(nanogrid::OpenService(options));
    nanogrid::Work(service->controller(), next);
  }
  return 0;
}
