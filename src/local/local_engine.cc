#include "local/local_engine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "engine/code_tree.h"
#include "core/private_directory.h"

namespace nanogrid {
namespace {

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

Result<std::unique_ptr<Engine>> MakeLocalEngine(EngineParts parts, const LocalOptions& options) {
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
  parts.observer = options.observer;
  return MakeEngine(std::move(parts));
}

}  // namespace nanogrid
