// The spawner program: embedded in the library, started from memory, one per Linux sandbox.
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <span>

#include "sandbox/linux/spawner/spawner.h"

extern "C" const char nanogrid_init_begin[], nanogrid_init_end[];
extern "C" const char nanogrid_filter_begin[], nanogrid_filter_end[],
    nanogrid_filter_without_cgroups_begin[], nanogrid_filter_without_cgroups_end[];

namespace {

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

// Above the numbers that an instance's own descriptors get.
constexpr int kFirstFd = 16;

// The init as a sealed file that can be executed but neither read nor changed by an instance.
int MakeInit() {
  int fd = memfd_create("nanogrid-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd < 0) fd = memfd_create("nanogrid-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  const size_t size = static_cast<size_t>(nanogrid_init_end - nanogrid_init_begin);
  if (write(fd, nanogrid_init_begin, size) != static_cast<ssize_t>(size) || fchmod(fd, 0111) != 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int MoveUp(int fd) {
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, kFirstFd);
  close(fd);
  return moved;
}

}  // namespace

int main() {
  // The host waits for this process only until here: it has no child to reap, and a program that
  // embeds it sees no stranger's SIGCHLD.
  const int host_process = static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
  if (host_process < 0) return 1;
  const pid_t pid = fork();
  if (pid != 0) _exit(pid < 0 ? 1 : 0);

  setsid();
  prctl(PR_SET_NAME, "nanogrid-spawn");
  (void)!chdir("/");
  umask(022);
  const int host = MoveUp(nanogrid::wire::kSpawnerSocket);
  const int watched = MoveUp(host_process);
  // Descriptors that come later get numbers from kFirstFd on.
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || host < 0 || watched < 0) return 1;
  for (int fd = 0; fd < kFirstFd; ++fd) {
    if (fd != null) dup3(null, fd, O_CLOEXEC);
  }
  // Every instance takes some ten, however few the host's soft limit leaves the host.
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  const int init = MakeInit();
  if (init < 0) return 1;
  nanogrid::spawner::Spawner spawner(
      host, watched, init, {nanogrid_filter_begin, nanogrid_filter_end},
      {nanogrid_filter_without_cgroups_begin, nanogrid_filter_without_cgroups_end});
  spawner.Run();
  return 0;
}
