// The functions of a controller somewhere else.
#pragma once

#include "api/remote_calls.h"
#include "nanogrid/engine.h"

namespace nanogrid {

class RemoteEngine final : public Engine {
 public:
  // `calls` outlives it.
  RemoteEngine(RemoteCalls& calls, const CodeLimits& limits) : calls_(calls), limits_(limits) {}

  using Engine::Register;
  Result<FunctionVersion> Register(const Context& context, const FunctionSpec& spec) override;
  // As a job: `log` gets what was logged when it has ended.
  Result<Outcome> Invoke(const Context& context, const InvokeRequest& request) override;
  Result<FunctionVersion> CheckInvoke(const Context& context, std::string_view function,
                                      std::string_view qualifier, std::string_view event,
                                      std::string_view tenant) override;
  Result<FunctionVersion> Get(const Context& context, std::string_view function,
                              std::string_view qualifier) override;
  Result<FunctionPage> List(const Context& context, std::string_view cursor, size_t limit) override;
  Result<FunctionPage> ListVersions(const Context& context, std::string_view function,
                                    std::string_view cursor, size_t limit) override;
  Status Remove(const Context& context, std::string_view function) override;
  // Not known here.
  Scheduler::Stats GetStats() const override { return {}; }

 private:
  Result<FunctionPage> ReadPage(const Context& context, const std::string& target);

  RemoteCalls& calls_;
  const CodeLimits limits_;
};

// One page of a listing: calls `take` with the text of each member of the array `name`; the cursor.
Result<std::string> ReadRemotePage(std::string_view json, std::string_view name,
                                   const std::function<Status(std::string_view)>& take);

}  // namespace nanogrid
