#include "engine/registration.h"

#include <utility>

#include "core/errors.h"
#include "engine/code_load.h"
#include "engine/code_path.h"
#include "engine/compile.h"
#include "engine/host_tool.h"
#include "engine/runtime_selection.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

Result<Sandbox*> FindSandbox(const EngineParts& parts, const std::string& name) {
  const auto found = parts.sandboxes.find(name);
  if (found != parts.sandboxes.end()) return found->second.get();
  std::string known;
  for (const auto& [other, sandbox] : parts.sandboxes) known += " " + other;
  return InvalidArgument("sandbox: this engine has no {}; it has{}", QuoteName(name), known);
}

// Settled here, so that a version means the same whatever the engine is called with later.
std::string ImageOf(const EngineParts& parts, const FunctionSpec& spec, const Runtime& runtime) {
  const auto prefix = parts.image_prefixes.find(spec.sandbox);
  if (!spec.image.empty() || prefix == parts.image_prefixes.end()) return spec.image;
  return prefix->second + runtime.name;
}

}  // namespace

Result<FunctionVersion> RegisterFunction(const Context& context, const EngineParts& parts,
                                         CodeStore& store, const FunctionSpec& spec) {
  NANOGRID_RETURN_IF_ERROR(ValidateSpec(spec));
  NANOGRID_ASSIGN_OR_RETURN(Sandbox* const sandbox, FindSandbox(parts, spec.sandbox));
  NANOGRID_ASSIGN_OR_RETURN(const CodeListing listing, LoadCode(spec.code, parts.code_limits));
  NANOGRID_ASSIGN_OR_RETURN(const RuntimeChoice choice,
                            SelectRuntime(listing, parts.runtimes, spec.runtime, spec.handler));
  const Runtime& runtime = *choice.runtime;
  const std::string image = ImageOf(parts, spec, runtime);
  if (!runtime.requires_path.empty() && image.empty()) {
    NANOGRID_RETURN_IF_ERROR(IdentifyTool(spec.root, runtime.requires_path,
                                          fmt::format("runtime '{}'", runtime.name),
                                          runtime.install_hint)
                                 .status());
  }
  NANOGRID_RETURN_IF_ERROR(context.Check(parts.clock->Now()));
  NANOGRID_ASSIGN_OR_RETURN(const std::string digest, store.Put(context, listing));
  std::string artifact = digest;
  if (choice.compiler != nullptr) {
    NANOGRID_ASSIGN_OR_RETURN(artifact, Compile(context, {spec, choice, listing, digest, image},
                                                *sandbox, store, *parts.objects));
  }
  return parts.catalog->Put(context, {.name = spec.name,
                                      .code_digest = digest,
                                      .runtime = runtime.name,
                                      .handler = choice.handler,
                                      .env = spec.env,
                                      .limits = spec.limits,
                                      .grants = spec.grants,
                                      .concurrency = spec.concurrency,
                                      .fresh = spec.fresh,
                                      .per_tenant = spec.per_tenant,
                                      .retry = spec.retry,
                                      .sandbox = spec.sandbox,
                                      .image = image,
                                      .root = spec.root,
                                      .artifact_digest = std::move(artifact)});
}

}  // namespace nanogrid
