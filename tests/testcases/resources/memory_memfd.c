// act: hides memory in a memfd that nothing maps
// limits: memory=24M, timeout_ms=60000
// expect: ends out_of_memory
// expect without-cgroups: refused ENOSYS
#include "../act.h"

int main(void) {
  const int fd = (int)CALL(SYS_memfd_create, "hidden", 0);
  if (fd < 0) {
    Attempt("memfd_create", -1);
    return 0;
  }
  for (int i = 0; i < 16384; ++i) {
    if (write(fd, buffer, sizeof(buffer)) < 0) break;
  }
  for (;;) pause();
}
