#include "engine/deployments.h"

#include <utility>

#include "core/errors.h"
#include "engine/deadline.h"
#include "engine/package.h"
#include "engine/runtime_selection.h"

namespace nanogrid {

Deployments::Deployments(const EngineParts& parts, CodeStore& store)
    : parts_(parts), store_(store) {}

Result<std::shared_ptr<Deployment>> Deployments::Find(const Context& context,
                                                      std::string_view function,
                                                      std::string_view qualifier) {
  uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    if (auto known = Recall(function, qualifier)) return known;
    changes = changes_;
  }
  NANOGRID_ASSIGN_OR_RETURN(const FunctionVersion version,
                            parts_.catalog->Get(context, function, qualifier));
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<Deployment> deployment, Deploy(context, version));
  const std::lock_guard lock(mutex_);
  if (changes == changes_) Remember(function, qualifier, deployment);
  return deployment;
}

std::shared_ptr<Deployment> Deployments::Recall(std::string_view function,
                                                std::string_view qualifier) const {
  if (parts_.catalog_ttl == Duration::zero()) return nullptr;
  const auto found = functions_.find(function);
  if (found == functions_.end()) return nullptr;
  const auto meaning = found->second.by_qualifier.find(qualifier);
  if (meaning == found->second.by_qualifier.end()) return nullptr;
  return parts_.clock->Now() < meaning->second.until ? meaning->second.deployment : nullptr;
}

void Deployments::Remember(std::string_view function, std::string_view qualifier,
                           const std::shared_ptr<Deployment>& deployment) {
  if (parts_.catalog_ttl == Duration::zero()) return;
  functions_[std::string(function)].by_qualifier.insert_or_assign(
      std::string(qualifier), Meaning{deployment, After(parts_.clock->Now(), parts_.catalog_ttl)});
}

Result<std::shared_ptr<Deployment>> Deployments::Deploy(const Context& context,
                                                        const FunctionVersion& version) {
  {
    const std::lock_guard lock(mutex_);
    const auto& known = functions_[version.name].by_number;
    if (const auto found = known.find(version.number); found != known.end()) return found->second;
  }
  NANOGRID_ASSIGN_OR_RETURN(const Runtime* const runtime,
                            FindRuntime(parts_.runtimes, version.runtime));
  const auto sandbox = parts_.sandboxes.find(version.sandbox);
  if (sandbox == parts_.sandboxes.end()) {
    return FailedPrecondition("function '{}' wants sandbox '{}', which this engine does not have",
                              version.name, version.sandbox);
  }
  NANOGRID_ASSIGN_OR_RETURN(std::string code_dir, store_.Unpack(context, version.artifact_digest));
  auto made = std::make_shared<Deployment>();
  made->key = fmt::format("{}:{}", version.name, version.number);
  made->package = MakePackage(version, *runtime, std::move(code_dir), parts_.network_env);
  made->concurrency = version.concurrency;
  made->fresh = version.fresh;
  made->per_tenant = version.per_tenant;
  made->sandbox = sandbox->second.get();
  const std::lock_guard lock(mutex_);
  // Another thread may have been quicker: all share one.
  return functions_[version.name]
      .by_number.try_emplace(version.number, std::move(made))
      .first->second;
}

void Deployments::Refresh(std::string_view function) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto found = functions_.find(function);
  if (found == functions_.end()) return;
  found->second.by_qualifier.clear();
  // Older versions that neither an instance nor a call uses can be deployed again if asked for.
  std::erase_if(found->second.by_number,
                [](const auto& deployed) { return deployed.second.use_count() == 1; });
}

std::vector<std::shared_ptr<Deployment>> Deployments::Remove(std::string_view function) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  std::vector<std::shared_ptr<Deployment>> removed;
  const auto found = functions_.find(function);
  if (found == functions_.end()) return removed;
  for (auto& [number, deployment] : found->second.by_number) {
    deployment->removed = true;
    removed.push_back(std::move(deployment));
  }
  functions_.erase(found);
  return removed;
}

}  // namespace nanogrid
