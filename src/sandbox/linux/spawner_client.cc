#include "sandbox/linux/spawner_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errors.h"
#include "sandbox/common/fd_passing.h"

extern "C" const char nanogrid_spawner_begin[], nanogrid_spawner_end[];

namespace nanogrid {
namespace {

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

constexpr int kProgramFd = wire::kSpawnerSocket + 1;

Result<UniqueFd> SpawnerProgram() {
  UniqueFd fd(memfd_create("nanogrid-spawner", MFD_CLOEXEC | MFD_EXEC));
  if (!fd) fd.Reset(memfd_create("nanogrid-spawner", MFD_CLOEXEC));
  if (!fd) return ErrnoError(errno, "start spawner: memfd_create");
  const char* at = nanogrid_spawner_begin;
  while (at != nanogrid_spawner_end) {
    const ssize_t wrote = write(fd.get(), at, static_cast<size_t>(nanogrid_spawner_end - at));
    if (wrote <= 0) return ErrnoError(errno, "start spawner: write memfd");
    at += wrote;
  }
  return fd;
}

// Runs the program with `socket` as wire::kSpawnerSocket and nothing else of ours. It forks at once
// and its first process exits, so that the caller has no child left.
Status Spawn(int program_fd, int socket_fd) {
  // Out of the way of the numbers they get.
  const UniqueFd program(fcntl(program_fd, F_DUPFD_CLOEXEC, kProgramFd + 1));
  const UniqueFd socket(fcntl(socket_fd, F_DUPFD_CLOEXEC, kProgramFd + 1));
  if (!program || !socket) return ErrnoError(errno, "start spawner: dup");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigfillset(&defaults);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_adddup2(&actions, socket.get(), wire::kSpawnerSocket);
  posix_spawn_file_actions_adddup2(&actions, program.get(), kProgramFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kProgramFd + 1);
  const std::string path = "/proc/self/fd/" + std::to_string(kProgramFd);
  char name[] = "nanogrid-spawner";
  char* argv[] = {name, nullptr};
  char* envp[] = {nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), &actions, &attributes, argv, envp);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return ErrnoError(error,
                      "start spawner: exec from memory (needs /proc, and sysctl "
                      "vm.memfd_noexec below 2)");
  }
  int status = 0;
  // A program that ignores SIGCHLD gets ECHILD here; the answer below tells.
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return absl::OkStatus();
}

// FailedPrecondition where the machine or the request is at fault, else Internal.
Status SetUpError(const wire::Failure& failure) {
  const int e = failure.error;
  const bool precondition = e == EPERM || e == EACCES || e == ENOSYS || e == ENOTSUP ||
                            e == ENOENT || e == ENOTDIR || e == EINVAL || e == ERANGE;
  return MakeError(
      precondition ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kInternal,
      "sandbox set-up failed: {}: {} (errno {})", failure.step, std::generic_category().message(e),
      e);
}

}  // namespace

Status SpawnerClient::EnsureRunning() {
  if (socket_) {
    pollfd state = {socket_.get(), 0, 0};
    if (poll(&state, 1, 0) == 0) return absl::OkStatus();
    socket_.Reset();
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return ErrnoError(errno, "start spawner: socketpair");
  }
  UniqueFd ours(pair[0]);
  {
    const UniqueFd theirs(pair[1]);
    NANOGRID_ASSIGN_OR_RETURN(const UniqueFd program, SpawnerProgram());
    NANOGRID_RETURN_IF_ERROR(Spawn(program.get(), theirs.get()));
  }
  if (const int error = SendWithFds(ours.get(), &configure_, sizeof(configure_), {})) {
    return ErrnoError(error, "start spawner: configure");
  }
  wire::Answer answer;
  const Received received = ReceiveWithFds(ours.get(), &answer, sizeof(answer));
  if (received.size != static_cast<ssize_t>(sizeof(answer))) {
    return FailedPrecondition(
        "start spawner: it exited at once; is Linux 5.12 or newer running, with /proc mounted?");
  }
  if (answer.failure.error != 0) return SetUpError(answer.failure);
  description_ = answer;
  socket_ = std::move(ours);
  return absl::OkStatus();
}

Result<wire::Answer> SpawnerClient::Describe() {
  const std::lock_guard lock(mutex_);
  NANOGRID_RETURN_IF_ERROR(EnsureRunning());
  return description_;
}

Result<SpawnedInstance> SpawnerClient::Start(wire::Start& start, std::span<const int> fds) {
  const std::lock_guard lock(mutex_);
  NANOGRID_RETURN_IF_ERROR(EnsureRunning());
  start.id = next_id_++;
  wire::Answer answer;
  Received received;
  int error = SendWithFds(socket_.get(), &start, sizeof(start), fds);
  if (error == 0) {
    received = ReceiveWithFds(socket_.get(), &answer, sizeof(answer));
    if (received.size != static_cast<ssize_t>(sizeof(answer))) error = EPIPE;
  }
  SpawnedInstance instance;
  for (size_t i = 0; i < received.fd_count && i < instance.fds.size(); ++i) {
    instance.fds[i].Reset(received.fds[i]);
  }
  if (error != 0) {
    socket_.Reset();
    return Unavailable("the spawner has died (errno {}); the next start makes a new one", error);
  }
  if (answer.failure.error != 0) return SetUpError(answer.failure);
  if (received.fd_count < answer.fd_count) {
    SendRelease(start.id);  // which kills it
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "too many open files: an instance's descriptors do not fit into this process "
                     "(RLIMIT_NOFILE)");
  }
  instance.id = start.id;
  instance.pid = answer.pid;
  instance.has_cgroup = answer.has_cgroup != 0;
  instance.mode = description_.mode;
  instance.cgroups = description_.cgroups;
  return instance;
}

void SpawnerClient::Release(uint64_t id) {
  const std::lock_guard lock(mutex_);
  if (socket_) SendRelease(id);
}

void SpawnerClient::SendRelease(uint64_t id) {
  wire::Release release;
  release.id = id;
  (void)SendWithFds(socket_.get(), &release, sizeof(release), {});
}

}  // namespace nanogrid
