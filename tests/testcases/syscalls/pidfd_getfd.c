// act: takes a descriptor out of pid 1
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const int init = (int)CALL(SYS_pidfd_open, 1, 0);
  for (int fd = 0; fd < 8; ++fd) Attempt("pidfd_getfd", CALL(438, init, fd, 0));
}
