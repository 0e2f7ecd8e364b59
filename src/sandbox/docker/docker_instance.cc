#include "sandbox/docker/docker_instance.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nanogrid::docker {
namespace {

constexpr int kKillWaitMs = 10'000;
// Cleaning up is done also for callers whose own time is over.
constexpr Duration kCleanUpTime = std::chrono::seconds(30);

}  // namespace

Container::~Container() {
  if (api_) api_->Remove(name_);
}

DockerInstance::DockerInstance(const FunctionPackage& package, InstancePipes pipes,
                               InstanceFiles files, Uid uid, Rendezvous rendezvous,
                               Container container, UniqueFd pidfd)
    : PipeInstance(package, std::move(pipes), std::move(files)),
      uid_(std::move(uid)),
      rendezvous_(std::move(rendezvous)),
      container_(std::move(container)),
      pidfd_(std::move(pidfd)) {}

DockerInstance::~DockerInstance() { Kill(); }

// Pid 1 takes its whole pid namespace along; its pidfd tells when the last of it is dead. Who is
// not root has the engine send the signal.
bool DockerInstance::KillAll(bool frozen) {
  const long sent = syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  const bool refused = sent != 0 && errno != ESRCH;
  if (frozen) SetFrozen(false);
  if (refused) {
    container_.api()
        .Post(Context::WithTimeout(kCleanUpTime), container_.Path("/kill?signal=KILL"))
        .IgnoreError();
  }
  pollfd gone = {pidfd_.get(), POLLIN, 0};
  while (poll(&gone, 1, kKillWaitMs) < 0 && errno == EINTR) {
  }
  return (gone.revents & POLLIN) != 0;
}

// By the cgroup's own file where we may write to it: the engine takes some ten milliseconds.
bool DockerInstance::SetFrozen(bool frozen) {
  if (files().SetFrozen(frozen)) return true;
  return container_.api()
      .Post(Context::WithTimeout(kCleanUpTime), container_.Path(frozen ? "/pause" : "/unpause"))
      .ok();
}

}  // namespace nanogrid::docker
