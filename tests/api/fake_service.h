// A controller and a worker on stores in memory, with functions that do what their event says.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <utility>

#include "engine/fake_sandbox.h"
#include "engine/temp_directory.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/controller.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// An event is echoed, unless it is an object with one of these:
//   "print": TEXT   "file": PATH, a result file   "wait_ms": N   "fail": MESSAGE   "size": N, a
//   string of so many letters
inline Result<Outcome> DoWhatTheEventSays(const FakeSandbox::Call& call) {
  namespace json = boost::json;
  json::error_code error;
  const std::string_view event = call.invocation.event;
  const json::value value = json::parse({event.data(), event.size()}, error);
  Outcome echo = Returned(std::string(event));
  echo.result_is_json = call.package.protocol == Protocol::kFrames;
  if (error || !value.is_object()) return echo;
  const json::object& object = value.get_object();
  if (const auto* text = object.if_contains("print"))
    call.log.Write(json::value_to<std::string>(*text));
  if (const auto* wait = object.if_contains("wait_ms")) {
    Event never;
    Context context = call.context;
    context.deadline =
        std::min(context.deadline, std::chrono::steady_clock::now() +
                                       std::chrono::milliseconds(wait->to_number<int64_t>()));
    never.Wait(context);
    if (call.context.stop.stop_requested()) return EndedBy(call.context);
  }
  if (const auto* path = object.if_contains("file")) {
    const std::string name = json::value_to<std::string>(*path);
    FileSink& files = *call.invocation.files;
    for (const Status& status : {files.Begin(name, 5), files.Write("hello"), files.End()}) {
      if (!status.ok()) return status;
    }
    echo.files.push_back({.path = name, .size = 5});
  }
  if (const auto* text = object.if_contains("fail")) {
    return Outcome{.ending = Ending::kException,
                   .error = FunctionError{.type = "ValueError",
                                          .message = json::value_to<std::string>(*text)}};
  }
  if (const auto* size = object.if_contains("size")) {
    return Returned('"' + std::string(size->to_number<size_t>(), 'x') + '"');
  }
  return echo;
}

class FakeService {
 public:
  explicit FakeService(uint32_t slots) {
    sandbox_->on_invoke = DoWhatTheEventSays;
    auto engine = MakeEngine({.objects = objects_,
                              .catalog = MakeMemoryFunctionCatalog(),
                              .sandboxes = {{"linux", sandbox_}},
                              .package_dir = directory_ / "packages",
                              .min_available_memory = 0});
    engine_ = *std::move(engine);
    controller_ =
        *MakeController({.engine = engine_, .queue = queue_, .jobs = jobs_, .objects = objects_});
    if (slots == 0) return;
    worker_ = *MakeWorker({.engine = engine_,
                           .queue = queue_,
                           .jobs = jobs_,
                           .objects = objects_,
                           .options = {.slots = slots}});
  }

  // What still runs is killed.
  ~FakeService() {
    if (worker_ != nullptr) worker_->Stop({.deadline = TimePoint{}});
  }

  Controller& controller() { return *controller_; }
  Worker* worker() { return worker_.get(); }

  // Two functions: "echo" answers JSON, "bytes" whatever it reads.
  void Deploy() {
    const auto deploy = [this](const char* name, Code code, const char* runtime) {
      FunctionSpec spec{.name = name, .code = std::move(code), .runtime = runtime};
      const auto version = engine_->Register(spec);
      if (!version.ok()) ADD_FAILURE() << version.status().ToString();
    };
    deploy("echo", Code::Inline("main.py", "def handler(event, context): return event"), "python3");
    deploy("bytes", Code::Inline("main", "#!/bin/cat\n"), "exec");
  }

 private:
  TempDirectory directory_;
  std::shared_ptr<FakeSandbox> sandbox_ = std::make_shared<FakeSandbox>();
  std::shared_ptr<ObjectStore> objects_ = MakeMemoryObjectStore();
  std::shared_ptr<Queue> queue_ = MakeMemoryQueue();
  std::shared_ptr<JobStore> jobs_ = MakeMemoryJobStore();
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace nanogrid
