// The engine: wires registration, deployments and the instance pool together.
#include "nanogrid/engine.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <utility>

#include "core/errors.h"
#include "core/frame.h"
#include "core/json.h"
#include "core/names.h"
#include "core/request_id.h"
#include "engine/code_store.h"
#include "engine/deployments.h"
#include "engine/instance_pool.h"
#include "engine/registration.h"
#include "engine/runtime_selection.h"

namespace nanogrid {
namespace {

// The caller's stop token and the engine's, as one.
class JoinedStop {
 public:
  JoinedStop(std::stop_token caller, std::stop_token engine) {
    if (!caller.stop_possible()) {
      token_ = std::move(engine);
      return;
    }
    joined_.emplace();
    token_ = joined_->source.get_token();
    joined_->on_caller.emplace(std::move(caller), Request{&joined_->source});
    joined_->on_engine.emplace(std::move(engine), Request{&joined_->source});
  }

  const std::stop_token& token() const { return token_; }

 private:
  struct Request {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  struct Joined {
    std::stop_source source;
    std::optional<std::stop_callback<Request>> on_caller;
    std::optional<std::stop_callback<Request>> on_engine;
  };
  std::stop_token token_;
  std::optional<Joined> joined_;
};

Status CheckRequestId(std::string_view id) {
  constexpr size_t kMaxRequestId = 256;
  if (id.size() <= kMaxRequestId && IsUtf8(id)) return absl::OkStatus();
  return InvalidArgument("request_id: must be UTF-8 of at most {} bytes", kMaxRequestId);
}

// `json`: whether the runtime speaks it.
Status CheckEvent(std::string_view event, bool json) {
  if (!json) return absl::OkStatus();
  if (event.size() > kMaxFrameBody) {
    return InvalidArgument("event: has {} bytes, the limit is {}", event.size(), kMaxFrameBody);
  }
  const Status status = CheckJson(event);
  if (status.ok()) return absl::OkStatus();
  return InvalidArgument("event: not JSON: {}", std::string(status.message()));
}

// Who keeps tenants apart must know them.
Status CheckTenantOf(std::string_view function, bool per_tenant, std::string_view tenant) {
  if (per_tenant && tenant.empty()) {
    return InvalidArgument("tenant: missing; function '{}' keeps its tenants apart", function);
  }
  return CheckTenant(tenant);
}

// A result that is no JSON is the function's mistake, whichever runtime let it through.
void CheckResult(Outcome& outcome) {
  if (outcome.ending != Ending::kReturned) return;
  const Status json = CheckJson(outcome.result);
  if (json.ok()) return;
  outcome.ending = Ending::kException;
  outcome.result.clear();
  outcome.error =
      FunctionError{.type = "Runtime.InvalidResult",
                    .message = "the result is not JSON: " + std::string(json.message())};
}

class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(EngineParts parts)
      : parts_(std::move(parts)),
        store_(*parts_.objects, parts_.package_dir),
        deployments_(parts_, store_),
        pool_({.scheduler = parts_.scheduler,
               .min_available_memory = parts_.min_available_memory,
               .clock = parts_.clock,
               .observer = parts_.observer}) {}

  ~LocalEngine() override {
    shutdown_.request_stop();
    std::unique_lock lock(calls_mutex_);
    no_calls_.wait(lock, [this] { return calls_ == 0; });
  }

  using Engine::Register;
  Result<FunctionVersion> Register(const Context& context, const FunctionSpec& spec) override {
    const Call call(*this);
    const JoinedStop stop(context.stop, shutdown_.get_token());
    Result<FunctionVersion> version =
        RegisterFunction({context.deadline, stop.token()}, parts_, store_, spec);
    if (version.ok()) deployments_.Refresh(version->name);
    return version;
  }

  Result<Outcome> Invoke(const Context& context, const InvokeRequest& request) override {
    const Call call(*this);
    const JoinedStop stop(context.stop, shutdown_.get_token());
    const Context joined{context.deadline, stop.token()};
    NANOGRID_ASSIGN_OR_RETURN(const std::shared_ptr<Deployment> deployment,
                              deployments_.Find(joined, request.function, request.qualifier));
    const FunctionPackage& package = deployment->package;
    NANOGRID_RETURN_IF_ERROR(CheckRequestId(request.request_id));
    NANOGRID_RETURN_IF_ERROR(CheckEvent(request.event, package.result_is_json));
    NANOGRID_RETURN_IF_ERROR(CheckTenantOf(package.name, deployment->per_tenant, request.tenant));
    const std::string id = request.request_id.empty() ? MakeRequestId() : request.request_id;
    Observer& observer = *parts_.observer;
    observer.OnInvocationStart(package.name, package.version, id);
    Result<Outcome> outcome =
        pool_.Run(joined, deployment, request.tenant,
                  {.request_id = id, .event = request.event, .files = request.files},
                  request.log != nullptr ? *request.log : LogSink::Null());
    if (!outcome.ok()) {
      observer.OnError("invoke", outcome.status());
      return outcome;
    }
    outcome->result_is_json = package.result_is_json;
    if (package.result_is_json) CheckResult(*outcome);
    observer.OnInvocationEnd(package.name, package.version, id, *outcome);
    return outcome;
  }

  Result<FunctionVersion> CheckInvoke(const Context& context, std::string_view function,
                                      std::string_view qualifier, std::string_view event,
                                      std::string_view tenant) override {
    NANOGRID_ASSIGN_OR_RETURN(FunctionVersion version,
                              parts_.catalog->Get(context, function, qualifier));
    NANOGRID_ASSIGN_OR_RETURN(const Runtime* const runtime,
                              FindRuntime(parts_.runtimes, version.runtime));
    NANOGRID_RETURN_IF_ERROR(CheckEvent(event, runtime->result_is_json));
    NANOGRID_RETURN_IF_ERROR(CheckTenantOf(function, version.per_tenant, tenant));
    return version;
  }

  Result<FunctionVersion> Get(const Context& context, std::string_view function,
                              std::string_view qualifier) override {
    return parts_.catalog->Get(context, function, qualifier);
  }
  Result<FunctionPage> List(const Context& context, std::string_view cursor,
                            size_t limit) override {
    return parts_.catalog->List(context, cursor, limit);
  }
  Result<FunctionPage> ListVersions(const Context& context, std::string_view function,
                                    std::string_view cursor, size_t limit) override {
    return parts_.catalog->ListVersions(context, function, cursor, limit);
  }

  Status Remove(const Context& context, std::string_view function) override {
    const Call call(*this);
    NANOGRID_RETURN_IF_ERROR(parts_.catalog->Remove(context, function));
    pool_.Forget(deployments_.Remove(function));
    return absl::OkStatus();
  }

  Scheduler::Stats GetStats() const override { return pool_.GetStats(); }

 private:
  // A call in progress, which the destructor waits for.
  class Call {
   public:
    explicit Call(LocalEngine& engine) : engine_(engine) {
      const std::lock_guard lock(engine_.calls_mutex_);
      ++engine_.calls_;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      const std::lock_guard lock(engine_.calls_mutex_);
      if (--engine_.calls_ == 0) engine_.no_calls_.notify_all();
    }

   private:
    LocalEngine& engine_;
  };

  const EngineParts parts_;
  CodeStore store_;
  Deployments deployments_;
  std::stop_source shutdown_;
  std::mutex calls_mutex_;
  std::condition_variable no_calls_;
  size_t calls_ = 0;
  InstancePool pool_;  // last: its instances go before what they stand on
};

Status CheckParts(const EngineParts& parts) {
  const auto missing = [](std::string_view part) {
    return InvalidArgument("EngineParts.{}: missing", part);
  };
  if (parts.objects == nullptr) return missing("objects");
  if (parts.catalog == nullptr) return missing("catalog");
  if (parts.sandboxes.empty()) return missing("sandboxes");
  for (const auto& [name, sandbox] : parts.sandboxes) {
    if (sandbox == nullptr) return missing(fmt::format("sandboxes[\"{}\"]", name));
  }
  if (parts.runtimes.empty()) return missing("runtimes");
  if (parts.package_dir.empty()) return missing("package_dir");
  if (const Status env = CheckEnvironment(parts.network_env); !env.ok()) {
    return InvalidArgument("EngineParts.network_env: {}", std::string(env.message()));
  }
  if (parts.clock == nullptr) return missing("clock");
  if (parts.observer == nullptr) return missing("observer");
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<Engine>> MakeEngine(EngineParts parts) {
  NANOGRID_RETURN_IF_ERROR(CheckParts(parts));
  NANOGRID_RETURN_IF_ERROR(CodeStore::PrepareDirectory(parts.package_dir));
  try {
    return std::make_unique<LocalEngine>(std::move(parts));
  } catch (const std::system_error& error) {  // no thread to be had
    return MakeError(absl::StatusCode::kResourceExhausted, "cannot start the engine's thread: {}",
                     error.what());
  }
}

}  // namespace nanogrid
