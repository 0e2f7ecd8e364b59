#include <memory>
#include <utility>

#include "core/errors.h"
#include "local/local_engine.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/local.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/adapters/secrets.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

// "memory:" and nothing else.
Status CheckMemoryUri(const Uri& uri) {
  if (uri == Uri{.scheme = "memory"}) return absl::OkStatus();
  return InvalidArgument("'{}': memory: takes no host, path or query", uri.ToString());
}

}  // namespace

Registry LocalRegistry() {
  Registry registry;
  // The schemes are distinct, so nothing can be taken already.
  registry.object_stores
      .Add("memory",
           [](const Uri& uri) -> Result<std::unique_ptr<ObjectStore>> {
             NANOGRID_RETURN_IF_ERROR(CheckMemoryUri(uri));
             return MakeMemoryObjectStore();
           })
      .IgnoreError();
  registry.object_stores.Add("file", [](const Uri& uri) { return MakeFileObjectStore(uri); })
      .IgnoreError();
  registry.catalogs
      .Add("memory",
           [](const Uri& uri) -> Result<std::unique_ptr<FunctionCatalog>> {
             NANOGRID_RETURN_IF_ERROR(CheckMemoryUri(uri));
             return MakeMemoryFunctionCatalog();
           })
      .IgnoreError();
  registry.queues
      .Add("memory",
           [](const Uri& uri) -> Result<std::unique_ptr<Queue>> {
             NANOGRID_RETURN_IF_ERROR(CheckMemoryUri(uri));
             return MakeMemoryQueue();
           })
      .IgnoreError();
  registry.job_stores
      .Add("memory",
           [](const Uri& uri) -> Result<std::unique_ptr<JobStore>> {
             NANOGRID_RETURN_IF_ERROR(CheckMemoryUri(uri));
             return MakeMemoryJobStore();
           })
      .IgnoreError();
  registry.catalogs.Add("sqlite", [](const Uri& uri) { return MakeSqliteFunctionCatalog(uri); })
      .IgnoreError();
  registry.queues.Add("sqlite", [](const Uri& uri) { return MakeSqliteQueue(uri); }).IgnoreError();
  registry.job_stores.Add("sqlite", [](const Uri& uri) { return MakeSqliteJobStore(uri); })
      .IgnoreError();
  registry.secrets.Add("env", [](const Uri& uri) { return MakeEnvironmentSecrets(uri); })
      .IgnoreError();
  registry.secrets.Add("file", [](const Uri& uri) { return MakeFileSecrets(uri); }).IgnoreError();
  registry.sandboxes.Add("linux", [](const Uri& uri) { return MakeLinuxSandbox(uri); })
      .IgnoreError();
  registry.sandboxes.Add("docker", [](const Uri& uri) { return MakeDockerSandbox(uri); })
      .IgnoreError();
  return registry;
}

Result<std::unique_ptr<Engine>> OpenLocal(const LocalOptions& options) {
  const Registry registry = LocalRegistry();
  EngineParts parts;
  NANOGRID_ASSIGN_OR_RETURN(parts.objects, registry.object_stores.Open(options.objects));
  NANOGRID_ASSIGN_OR_RETURN(parts.catalog, registry.catalogs.Open(options.catalog));
  // In memory nobody else has this catalog.
  if (options.catalog.starts_with("memory:")) parts.catalog_ttl = Duration::max();
  return MakeLocalEngine(std::move(parts), options);
}

}  // namespace nanogrid
