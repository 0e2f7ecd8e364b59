// act: handles its own page faults, to win races in the kernel
// expect: refused EPERM|ENOENT
#include "../act.h"

int main(void) {
  Attempt("userfaultfd", CALL(SYS_userfaultfd, 0));
  Attempt("userfaultfd for user mode", CALL(SYS_userfaultfd, 1));
  AttemptOpen("/dev/userfaultfd", O_RDWR);
}
