#include "sandbox/common/pipe_instance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "core/errors.h"
#include "sandbox/common/invocation_run.h"
#include "sandbox/common/output_files.h"

namespace nanogrid {
namespace {

// A pipe; the end that stays with us does not block.
Status MakePipe(UniqueFd& read_end, UniqueFd& write_end, bool we_read) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoError(errno, "start instance: pipe");
  read_end.Reset(fds[0]);
  write_end.Reset(fds[1]);
  if (fcntl(we_read ? fds[0] : fds[1], F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoError(errno, "start instance: O_NONBLOCK");
  }
  return absl::OkStatus();
}

constexpr Duration kKillTime = std::chrono::seconds(10);
constexpr Duration kNap = std::chrono::microseconds(50);

// As many steps as emptying a full directory takes, whatever its shape.
uint64_t MaxRemovals(const Limits& limits) { return 4 * (limits.tmp_size / 4096 + 1024); }

}  // namespace

Status MakeInstancePipes(InstancePipes& ours, InstancePipeEnds& theirs) {
  NANOGRID_RETURN_IF_ERROR(MakePipe(ours.log, theirs.log, true));
  NANOGRID_RETURN_IF_ERROR(MakePipe(ours.control, theirs.control, true));
  NANOGRID_RETURN_IF_ERROR(MakePipe(ours.input_end, ours.input, false));
  return MakePipe(ours.output, theirs.output, true);
}

bool PipeInstance::Kill() {
  const std::lock_guard lock(mutex_);
  reusable_ = false;
  if (dead_) return true;
  files_.Remember();
  dead_ = KillAll(frozen_);
  frozen_ = false;
  return dead_;
}

bool PipeInstance::Reusable() const {
  const std::lock_guard lock(mutex_);
  return reusable_;
}

Status PipeInstance::Freeze() {
  const std::lock_guard lock(mutex_);
  if (busy_ || frozen_ || dead_) return absl::OkStatus();
  frozen_ = SetFrozen(true);
  return absl::OkStatus();
}

bool PipeInstance::WaitDead(int pidfd) const {
  const TimePoint end = std::chrono::steady_clock::now() + kKillTime;
  pollfd gone = {pidfd, POLLIN, 0};
  while (poll(&gone, 1, kKillTime / std::chrono::milliseconds(1)) < 0 && errno == EINTR) {
  }
  if ((gone.revents & POLLIN) == 0) return false;
  // Pid 1 is not gone before everything in its pid namespace is (pid_namespaces(7)); an empty
  // cgroup is the proof. It may come a moment later.
  while (!files_.IsEmpty()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kNap);
  }
  return true;
}

bool PipeInstance::HoldStill() {
  if (!frozen_) frozen_ = SetFrozen(true);
  return frozen_ && WaitFrozen();
}

Status PipeInstance::CleanOutput() {
  if (output_empty_.Holds()) return absl::OkStatus();
  UniqueFd directory = OpenOutput();
  if (!directory && errno == ENOENT) return absl::OkStatus();
  if (!directory) return ErrnoError(errno, "open the output directory");
  if (HasOutput(directory.get())) {
    // Where it cannot be held it runs on meanwhile; all that it can do is to make this fail.
    (void)HoldStill();
    NANOGRID_RETURN_IF_ERROR(EmptyOutput(directory.get(), MaxRemovals(limits_)));
  }
  output_empty_.Look(std::move(directory));
  return absl::OkStatus();
}

Status PipeInstance::CollectOutput(bool& may_go_on, FileSink& sink, Outcome& outcome) {
  if (output_empty_.Holds()) return absl::OkStatus();
  UniqueFd directory = OpenOutput();
  // To see that there is nothing it need not be held: what comes later comes too late.
  if (!directory && errno == ENOENT) return absl::OkStatus();
  if (directory && !HasOutput(directory.get())) return absl::OkStatus();
  if (may_go_on) {
    const std::lock_guard lock(mutex_);
    may_go_on = HoldStill();
  }
  if (!may_go_on && !Kill()) return Internal("the instance does not die");
  directory = OpenOutput();
  if (!directory) {
    outcome.refused_files.push_back({".", 0, "is not a directory any more"});
    return absl::OkStatus();
  }
  CollectedOutput collected;
  NANOGRID_RETURN_IF_ERROR(nanogrid::CollectOutput(
      directory.get(), {limits_.max_files, limits_.tmp_size}, sink, collected));
  outcome.files = std::move(collected.files);
  outcome.refused_files = std::move(collected.refused);
  return absl::OkStatus();
}

Status PipeInstance::BeginInvocation() {
  const std::lock_guard lock(mutex_);
  if (busy_) return FailedPrecondition("instance is busy: one invocation at a time");
  if (!reusable_) return Unavailable("instance has ended");
  if (used_) {
    if (const Status cleaned = CleanOutput(); !cleaned.ok()) {
      reusable_ = false;
      return Unavailable("instance cannot be used again: {}", std::string(cleaned.message()));
    }
  }
  if (frozen_ && !SetFrozen(false)) {
    reusable_ = false;
    return Unavailable("instance cannot be thawed");
  }
  frozen_ = false;
  busy_ = true;
  return absl::OkStatus();
}

void PipeInstance::EndInvocation(bool reusable) {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  reusable_ = reusable_ && reusable;
}

Status PipeInstance::CheckQuiet() {
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

Result<Outcome> PipeInstance::Invoke(const Context& context, const Invocation& invocation,
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
