#include "sandbox/docker/docker_instance.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "sandbox/common/output_files.h"

namespace nanogrid::docker {
namespace {

// Cleaning up is done also for callers whose own time is over.
constexpr Duration kCleanUpTime = std::chrono::seconds(30);

std::string IsolationName(const Grants& grants) {
  return grants.network == Network::kHost ? "docker network=host" : "docker";
}

}  // namespace

Container::~Container() {
  if (api_) api_->Remove(name_);
}

DockerInstance::DockerInstance(const FunctionPackage& package, InstancePipes pipes,
                               InstanceFiles files, Uid uid, Rendezvous rendezvous,
                               Container container, UniqueFd pidfd, UniqueFd output)
    : PipeInstance(package, std::move(pipes), std::move(files), IsolationName(package.grants)),
      uid_(std::move(uid)),
      rendezvous_(std::move(rendezvous)),
      container_(std::move(container)),
      pidfd_(std::move(pidfd)),
      output_(std::move(output)) {}

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
  return WaitDead(pidfd_.get());
}

UniqueFd DockerInstance::OpenOutput() const { return OpenOutputDirectory(output_.get(), "."); }

// By the cgroup's own file where we may write to it: the engine takes some ten milliseconds.
bool DockerInstance::SetFrozen(bool frozen) {
  if (files().SetFrozen(frozen)) return true;
  const bool done =
      container_.api()
          .Post(Context::WithTimeout(kCleanUpTime), container_.Path(frozen ? "/pause" : "/unpause"))
          .ok();
  paused_ = frozen && done;
  return done;
}

}  // namespace nanogrid::docker
