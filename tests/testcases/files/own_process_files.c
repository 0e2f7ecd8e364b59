// act: writes settings of its own process in /proc
// expect: refused EROFS|EPERM|EACCES|ENOENT
// skip docker: engines mount /proc writable; these are the process's own
#include "../act.h"

int main(void) {
  AttemptWrite("/proc/self/loginuid", "0");
  AttemptWrite("/proc/self/coredump_filter", "0xff");
  AttemptWrite("/proc/self/sched", "0");
  AttemptWrite("/proc/self/clear_refs", "5");
  AttemptWrite("/proc/self/comm", "other");
}
