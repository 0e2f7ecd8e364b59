// act: makes the root, the code and /usr writable by remounting them
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const char* paths[] = {"/", "/var/task", "/usr", "/proc", "/dev"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); ++i) {
    Attempt(paths[i], CALL(SYS_mount, "none", paths[i], 0, 32 | 4096 /* REMOUNT BIND */, 0));
  }
}
