#include "sandbox/linux/linux_instance.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace nanogrid {
namespace {

constexpr int kKillWaitMs = 10'000;

InstanceFiles FilesOf(SpawnedInstance& spawned) {
  const auto take = [&](wire::StartedFd which) { return std::move(spawned.fds[which]); };
  CgroupFiles cgroup = {.freeze = take(wire::kFreezeFd),
                        .cpu = take(wire::kCpuFd),
                        .peak_memory = take(wire::kPeakMemoryFd),
                        .memory = take(wire::kMemoryFd),
                        .memory_events = take(wire::kMemoryEventsFd),
                        .pids_events = take(wire::kPidsEventsFd)};
  return {spawned.pid, spawned.has_cgroup, std::move(cgroup)};
}

}  // namespace

LinuxInstance::LinuxInstance(const FunctionPackage& package, std::shared_ptr<SpawnerClient> spawner,
                             SpawnedInstance spawned, InstancePipes pipes)
    : PipeInstance(package, std::move(pipes), FilesOf(spawned)),
      spawner_(std::move(spawner)),
      id_(spawned.id),
      pidfd_(std::move(spawned.fds[wire::kPidFd])) {}

LinuxInstance::~LinuxInstance() {
  Kill();
  spawner_->Release(id_);
}

// Pid 1 takes its whole pid namespace along. On cgroup v1 a frozen process does not even die.
bool LinuxInstance::KillAll(bool frozen) {
  (void)syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  if (frozen) files().SetFrozen(false);
  pollfd gone = {pidfd_.get(), POLLIN, 0};
  while (poll(&gone, 1, kKillWaitMs) < 0 && errno == EINTR) {
  }
  return (gone.revents & POLLIN) != 0;
}

}  // namespace nanogrid
