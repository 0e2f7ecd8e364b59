#include "sandbox/linux/linux_instance.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "sandbox/common/output_files.h"

namespace nanogrid {
namespace {

InstanceFiles FilesOf(SpawnedInstance& spawned) {
  const auto take = [&](wire::StartedFd which) { return std::move(spawned.fds[which]); };
  CgroupFiles cgroup = {.freeze = take(wire::kFreezeFd),
                        .cpu = take(wire::kCpuFd),
                        .peak_memory = take(wire::kPeakMemoryFd),
                        .memory = take(wire::kMemoryFd),
                        .memory_events = take(wire::kMemoryEventsFd),
                        .pids_events = take(wire::kPidsEventsFd),
                        .members = take(wire::kMembersFd),
                        .kill = take(wire::kKillFd)};
  return {spawned.pid, spawned.has_cgroup, std::move(cgroup)};
}

std::string IsolationName(const SpawnedInstance& spawned, const Grants& grants) {
  std::string name = spawned.mode == wire::Mode::kRootless ? "linux rootless" : "linux root";
  switch (spawned.cgroups) {
    case wire::Cgroups::kV1:
      name += " cgroups=v1";
      break;
    case wire::Cgroups::kV2:
      name += " cgroups=v2";
      break;
    default:
      name += " cgroups=none: memory and processes are watched, not limited";
  }
  if (grants.network == Network::kHost) name += " network=host";
  return name;
}

}  // namespace

LinuxInstance::LinuxInstance(const FunctionPackage& package, std::shared_ptr<SpawnerClient> spawner,
                             SpawnedInstance spawned, InstancePipes pipes)
    : PipeInstance(package, std::move(pipes), FilesOf(spawned),
                   IsolationName(spawned, package.grants)),
      spawner_(std::move(spawner)),
      id_(spawned.id),
      pidfd_(std::move(spawned.fds[wire::kPidFd])),
      tmp_(std::move(spawned.fds[wire::kTmpFd])) {}

LinuxInstance::~LinuxInstance() {
  Kill();
  tmp_.Reset();  // its files are charged to the cgroup, which goes next
  spawner_->Release(id_);
}

// Pid 1 takes its whole pid namespace along. On cgroup v1 a frozen process does not even die.
bool LinuxInstance::KillAll(bool frozen) {
  (void)syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  files().KillAll();
  if (frozen) files().SetFrozen(false);
  return WaitDead(pidfd_.get());
}

UniqueFd LinuxInstance::OpenOutput() const {
  return OpenOutputDirectory(tmp_.get(), wire::kOutputName);
}

}  // namespace nanogrid
