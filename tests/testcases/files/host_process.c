// act: looks at a process of the host by its number
// expect: refused ENOENT|ESRCH or returns my own number
#include "../act.h"

int main(void) {
  char path[64];
  const int pid = atoi(Bait("pid"));
  if (pid <= 2) {
    puts("my own number");
    return 0;
  }
  snprintf(path, sizeof(path), "/proc/%d/environ", pid);
  AttemptOpen(path, O_RDONLY);
  snprintf(path, sizeof(path), "/proc/%d/root/etc/shadow", pid);
  AttemptOpen(path, O_RDONLY);
  Attempt("signal 0", kill(pid, 0));
  Attempt("pidfd", CALL(SYS_pidfd_open, pid, 0));
}
