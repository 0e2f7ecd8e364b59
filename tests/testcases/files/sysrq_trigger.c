// act: has the kernel sync, through the key that could also crash it
// expect: refused EACCES|EPERM|EROFS|ENOENT or returns nothing happened
#include "../act.h"

int main(void) {
  struct stat info;
  // Where it is hidden behind the null device, writing does nothing.
  if (stat("/proc/sysrq-trigger", &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == 0x103) {
    puts("nothing happened");
  } else {
    AttemptWrite("/proc/sysrq-trigger", "s");
  }
}
