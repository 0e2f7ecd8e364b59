// act: joins the namespaces of pid 1
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const int fd = (int)CALL(SYS_pidfd_open, 1, 0);
  Attempt("setns pidfd", CALL(SYS_setns, fd, CLONE_NEWNS | CLONE_NEWNET));
  Attempt("setns none", CALL(SYS_setns, -1, 0));
}
