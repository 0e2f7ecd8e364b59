#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "engine/code_tree.h"
#include "local/private_directory.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/local.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

// "memory:" and nothing else.
Status CheckMemoryUri(const Uri& uri) {
  if (uri == Uri{.scheme = "memory"}) return absl::OkStatus();
  return InvalidArgument("'{}': memory: takes no host, path or query", uri.ToString());
}

Status WriteRuntimeFiles(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0) return ErrnoError(errno, "mkdir " + directory);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd || ::fchmod(fd.get(), 0755) != 0) return ErrnoError(errno, "open " + directory);
  CodeListing listing;
  for (auto& [path, content] : BuiltinRuntimeFiles()) {
    listing.emplace(path, CodeEntry{.content = content});
  }
  return WriteCodeTree(fd.get(), listing);
}

// The sandbox, and the files that its instances see: those go last.
struct LocalSandbox {
  LocalSandbox(ScratchDirectory directory, std::unique_ptr<Sandbox> made)
      : files(std::move(directory)), sandbox(std::move(made)) {}

  ScratchDirectory files;
  std::unique_ptr<Sandbox> sandbox;
};

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
  registry.sandboxes.Add("linux", [](const Uri& uri) { return MakeLinuxSandbox(uri); })
      .IgnoreError();
  return registry;
}

Result<std::unique_ptr<Engine>> OpenLocal(const LocalOptions& options) {
  const Registry registry = LocalRegistry();
  EngineParts parts;
  NANOGRID_ASSIGN_OR_RETURN(parts.objects, registry.object_stores.Open(options.objects));
  NANOGRID_ASSIGN_OR_RETURN(parts.catalog, registry.catalogs.Open(options.catalog));
  NANOGRID_ASSIGN_OR_RETURN(ScratchDirectory files, MakePrivateDirectory());

  parts.package_dir =
      options.package_dir.empty() ? files.path() + "/packages" : options.package_dir;
  LinuxSandboxOptions sandbox_options = options.sandbox;
  sandbox_options.package_dir = parts.package_dir;
  if (sandbox_options.runtime_dir.empty()) {
    sandbox_options.runtime_dir = files.path() + "/runtime";
    NANOGRID_RETURN_IF_ERROR(WriteRuntimeFiles(sandbox_options.runtime_dir));
  }
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<Sandbox> sandbox, MakeLinuxSandbox(sandbox_options));
  const auto local = std::make_shared<LocalSandbox>(std::move(files), std::move(sandbox));
  parts.sandboxes["linux"] = std::shared_ptr<Sandbox>(local, local->sandbox.get());

  parts.code_limits = options.code_limits;
  parts.scheduler = options.scheduler;
  parts.catalog_ttl = Duration::max();  // nobody else has this catalog
  parts.observer = options.observer;
  return MakeEngine(std::move(parts));
}

}  // namespace nanogrid
