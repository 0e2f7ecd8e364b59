// act: takes away what hides parts of /proc, and /proc itself
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const char* paths[] = {"/proc/kcore", "/proc", "/dev", "/tmp", "/var/task", "/", "/sys"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); ++i) {
    Attempt(paths[i], CALL(SYS_umount2, paths[i], 2 /* MNT_DETACH */));
  }
}
