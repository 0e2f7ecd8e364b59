// act: uses its standard streams to reach directories or devices of the host
// expect: refused ENOTDIR|EACCES|EPERM|ENOTTY|ENOSYS|EINVAL
#include "../act.h"

int main(void) {
  for (int fd = 0; fd < 3; ++fd) {
    Attempt("openat", openat(fd, "..", O_RDONLY));
    Attempt("fchdir", fchdir(fd));
    Attempt("terminal", tcgetpgrp(fd));
  }
}
