#include "engine/package.h"

#include <absl/strings/str_replace.h>
#include <fmt/core.h>

#include <utility>

namespace nanogrid {
namespace {

using Environment = std::map<std::string, std::string>;

// docs/frame-protocol.md, "Environment".
Environment MakeEnvironment(const FunctionVersion& version, const Runtime& runtime,
                            uint64_t memory_mb, const Environment& network_env) {
  Environment env = version.env;  // wins: insert keeps what is there
  env.insert(runtime.env.begin(), runtime.env.end());
  env.insert({{"AWS_LAMBDA_FUNCTION_NAME", version.name},
              {"AWS_LAMBDA_FUNCTION_VERSION", std::to_string(version.number)},
              {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(memory_mb)},
              {"LAMBDA_TASK_ROOT", kTaskRoot},
              {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
              {"_HANDLER", version.handler},
              {"TMPDIR", "/tmp"},
              {"HOME", "/tmp"},
              {"PATH", "/usr/local/bin:/usr/bin:/bin"},
              {"LANG", "C.UTF-8"},
              {"TZ", "UTC"}});
  if (version.grants.network != Network::kNone) env.insert(network_env.begin(), network_env.end());
  return env;
}

}  // namespace

FunctionPackage MakePackage(const FunctionVersion& version, const Runtime& runtime,
                            std::string code_dir,
                            const std::map<std::string, std::string>& network_env) {
  const bool compiled = version.artifact_digest != version.code_digest;
  const std::string program =
      fmt::format("{}/{}", kTaskRoot, compiled ? kCompiledProgram : version.handler);
  const uint64_t memory_mb = version.limits.memory >> 20;
  FunctionPackage package{.name = version.name,
                          .version = version.number,
                          .code_dir = std::move(code_dir),
                          .env = MakeEnvironment(version, runtime, memory_mb, network_env),
                          .protocol = runtime.protocol,
                          .result_is_json = runtime.result_is_json,
                          .limits = version.limits,
                          .grants = version.grants,
                          .root = version.root,
                          .image = version.image};
  for (const std::string& argument : runtime.command) {
    package.command.push_back(
        absl::StrReplaceAll(argument, {{"{handler}", version.handler},
                                       {"{memory_mb}", std::to_string(memory_mb)},
                                       {"{program}", program}}));
  }
  return package;
}

}  // namespace nanogrid
