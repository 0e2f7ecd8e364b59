// The engine: register functions, invoke them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/observer.h"
#include "nanogrid/runtime.h"
#include "nanogrid/scheduler.h"
#include "nanogrid/storage.h"

namespace nanogrid {

struct InvokeRequest {
  std::string function{};
  std::string event = "null";       // JSON; any bytes for runtime exec
  std::string qualifier = kLatest;  // number, alias or "$LATEST"
  LogSink* log = nullptr;           // output while it runs; null: dropped
  std::string request_id{};         // empty: a new UUID
  std::string tenant{};             // whose call it is; needed by functions with per_tenant
  FileSink* files = nullptr;        // result files; null: they are not collected
};

// Bounds on code that is taken in; the entry that exceeds one is named.
struct CodeLimits {
  uint64_t max_bytes = 512ull << 20;  // unpacked
  uint64_t max_file_bytes = 256ull << 20;
  uint32_t max_files = 20000;
  uint32_t max_ratio = 200;  // unpacked : packed, beyond the first 10 MiB
  uint32_t max_path_bytes = 1024;
};

// Everything an engine works on. Engines share nothing unless two are given the same parts.
struct EngineParts {
  std::shared_ptr<ObjectStore> objects{};
  std::shared_ptr<FunctionCatalog> catalog{};
  std::map<std::string, std::shared_ptr<Sandbox>> sandboxes{};  // by FunctionSpec::sandbox
  // By the same names: sandboxes of images. A function that names none gets this and the name of
  // its runtime: "nanogrid/" makes it "nanogrid/python3".
  std::map<std::string, std::string> image_prefixes{};
  std::vector<Runtime> runtimes = BuiltinRuntimes();
  // Where unpacked code is cached, on a file system that allows execution; created if missing.
  std::string package_dir{};
  CodeLimits code_limits{};
  SchedulerOptions scheduler{};
  // Variables of functions that may use the network (Grants), and of no others: what there is for
  // them to call. A function's own wins, and so does what every function has (PATH, …).
  std::map<std::string, std::string> network_env{};
  // How long an answer of the catalog is trusted; this engine's own changes show at once. Zero asks
  // for every invocation.
  Duration catalog_ttl{};
  // Idle instances are given up while less of the host's memory than this is available.
  uint64_t min_available_memory = 256ull << 20;
  const Clock* clock = &Clock::System();   // outlives the engine
  Observer* observer = &Observer::None();  // outlives the engine
};

// Thread-safe. The destructor cancels what runs and returns when nothing of it is left; no other
// call may be in progress then.
class Engine {
 public:
  virtual ~Engine() = default;

  // Takes in the code (compiling it if need be), and makes it the function's latest version. The
  // same code and settings again answer the version there is. Errors name the field or file.
  virtual Result<FunctionVersion> Register(const Context& context, const FunctionSpec& spec) = 0;
  Result<FunctionVersion> Register(const FunctionSpec& spec) { return Register(Context{}, spec); }

  // Runs one invocation on the calling thread and returns when it has ended. Waits while the
  // function's concurrency limit or the engine's is reached; if the context ends before the
  // function could see the event: Cancelled or DeadlineExceeded. NotFound if there is no such
  // function; InvalidArgument if the event is not JSON where it must be.
  virtual Result<Outcome> Invoke(const Context& context, const InvokeRequest& request) = 0;

  // What Invoke would say to a request before it runs: its error, or the version that it would run.
  virtual Result<FunctionVersion> CheckInvoke(const Context& context, std::string_view function,
                                              std::string_view qualifier, std::string_view event,
                                              std::string_view tenant = {}) = 0;

  virtual Result<FunctionVersion> Get(const Context& context, std::string_view function,
                                      std::string_view qualifier = kLatest) = 0;
  virtual Result<FunctionPage> List(const Context& context, std::string_view cursor = {},
                                    size_t limit = 100) = 0;
  virtual Result<FunctionPage> ListVersions(const Context& context, std::string_view function,
                                            std::string_view cursor = {}, size_t limit = 100) = 0;
  // OK also if there is none. Running invocations end normally; idle instances stop now.
  virtual Status Remove(const Context& context, std::string_view function) = 0;

  virtual Scheduler::Stats GetStats() const = 0;
};

// InvalidArgument names the missing part.
Result<std::unique_ptr<Engine>> MakeEngine(EngineParts parts);

}  // namespace nanogrid
