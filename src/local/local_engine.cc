#include "local/local_engine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <utility>

#include "core/errors.h"
#include "core/private_directory.h"
#include "core/unique_fd.h"
#include "engine/code_tree.h"

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

// The sandboxes, and the files that their instances see: those go last.
struct LocalSandboxes {
  explicit LocalSandboxes(ScratchDirectory directory) : files(std::move(directory)) {}

  ScratchDirectory files;
  std::map<std::string, std::unique_ptr<Sandbox>> by_name{};
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeLocalEngine(EngineParts parts, const LocalOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(ScratchDirectory files, MakePrivateDirectory());
  const auto sandboxes = std::make_shared<LocalSandboxes>(std::move(files));
  const std::string& directory = sandboxes->files.path();
  parts.package_dir = options.package_dir.empty() ? directory + "/packages" : options.package_dir;
  LinuxSandboxOptions linux_options = options.sandbox;
  linux_options.package_dir = parts.package_dir;
  DockerSandboxOptions docker_options = options.docker;
  const std::string runtime_dir = directory + "/runtime";
  if (linux_options.runtime_dir.empty() || docker_options.runtime_dir.empty()) {
    NANOGRID_RETURN_IF_ERROR(WriteRuntimeFiles(runtime_dir));
  }
  if (linux_options.runtime_dir.empty()) linux_options.runtime_dir = runtime_dir;
  if (docker_options.runtime_dir.empty()) docker_options.runtime_dir = runtime_dir;
  NANOGRID_ASSIGN_OR_RETURN(sandboxes->by_name["linux"], MakeLinuxSandbox(linux_options));
  NANOGRID_ASSIGN_OR_RETURN(sandboxes->by_name["docker"], MakeDockerSandbox(docker_options));
  for (const auto& [name, sandbox] : sandboxes->by_name) {
    parts.sandboxes[name] = std::shared_ptr<Sandbox>(sandboxes, sandbox.get());
  }
  parts.image_prefixes["docker"] = docker_options.image_prefix;
  parts.code_limits = options.code_limits;
  parts.scheduler = options.scheduler;
  parts.network_env = options.network_env;
  parts.observer = options.observer;
  return MakeEngine(std::move(parts));
}

}  // namespace nanogrid
