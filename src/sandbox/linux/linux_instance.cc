#include "sandbox/linux/linux_instance.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "core/errors.h"
#include "sandbox/linux/invocation_run.h"

namespace nanogrid {
namespace {

constexpr int kKillWaitMs = 10'000;

}  // namespace

LinuxInstance::~LinuxInstance() {
  Kill();
  spawner_->Release(spawned_.id);
}

bool LinuxInstance::Kill() {
  const std::lock_guard lock(mutex_);
  reusable_ = false;
  if (dead_) return true;
  const int pidfd = spawned_.fds[wire::kPidFd].get();
  // Pid 1 takes its whole pid namespace along. On cgroup v1 a frozen process does not even die.
  (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  if (frozen_) files_.SetFrozen(false);
  frozen_ = false;
  pollfd gone = {pidfd, POLLIN, 0};
  while (poll(&gone, 1, kKillWaitMs) < 0 && errno == EINTR) {
  }
  dead_ = (gone.revents & POLLIN) != 0;
  return dead_;
}

bool LinuxInstance::Reusable() const {
  const std::lock_guard lock(mutex_);
  return reusable_;
}

Status LinuxInstance::Freeze() {
  const std::lock_guard lock(mutex_);
  if (busy_ || frozen_ || dead_) return absl::OkStatus();
  frozen_ = files_.SetFrozen(true);
  return absl::OkStatus();
}

Status LinuxInstance::BeginInvocation() {
  const std::lock_guard lock(mutex_);
  if (busy_) return FailedPrecondition("instance is busy: one invocation at a time");
  if (!reusable_) return Unavailable("instance has ended");
  if (frozen_ && !files_.SetFrozen(false)) {
    reusable_ = false;
    return Unavailable("instance cannot be thawed");
  }
  frozen_ = false;
  busy_ = true;
  return absl::OkStatus();
}

void LinuxInstance::EndInvocation(bool reusable) {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  reusable_ = reusable_ && reusable;
}

Status LinuxInstance::CheckQuiet() {
  std::array<pollfd, 3> fds = {{{pipes_.control.get(), POLLIN, 0},
                                {pipes_.log.get(), POLLIN, 0},
                                {pipes_.output.get(), POLLIN, 0}}};
  if (poll(fds.data(), fds.size(), 0) == 0) return absl::OkStatus();
  if (fds[0].revents != 0) return Unavailable("instance died while it was idle");
  if (fds[1].revents != 0) {
    // At most what fits into a pipe: a flood would never end.
    std::array<char, 64 * 1024> dropped;
    (void)!read(pipes_.log.get(), dropped.data(), dropped.size());
  }
  // READY is the only thing a runtime may say unasked, and it has said it by the first answer.
  if (fds[2].revents != 0) return Unavailable("instance spoke without being asked");
  return absl::OkStatus();
}

Result<Outcome> LinuxInstance::Invoke(const Context& context, const Invocation& invocation,
                                      LogSink& log) {
  NANOGRID_RETURN_IF_ERROR(BeginInvocation());
  if (used_) {
    if (Status quiet = CheckQuiet(); !quiet.ok()) {
      EndInvocation(false);
      return quiet;
    }
  }
  InvocationRun run(*this, context, invocation, log);
  Result<Outcome> outcome = run.Run();
  used_ = true;
  const bool again =
      outcome.ok() && protocol_ == Protocol::kFrames && run.alive() &&
      (outcome->ending == Ending::kReturned || outcome->ending == Ending::kException);
  EndInvocation(again);
  return outcome;
}

}  // namespace nanogrid
