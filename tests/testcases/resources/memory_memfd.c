// act: hides memory in a memfd that nothing maps
// limits: memory=24M, timeout_ms=60000
// expect: ends out_of_memory
// skip without-cgroups: what no process has mapped is not seen by watching processes
#include "../act.h"

int main(void) {
  const int fd = (int)CALL(SYS_memfd_create, "hidden", 0);
  for (int i = 0; i < 16384; ++i) {
    if (write(fd, buffer, sizeof(buffer)) < 0) break;
  }
  for (;;) pause();
}
