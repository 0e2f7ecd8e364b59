// act: switches seccomp off
// expect: refused EINVAL|EFAULT|EPERM
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  Attempt("PR_SET_SECCOMP off", prctl(22, 0, 0, 0, 0));
  Attempt("seccomp mode 0", CALL(SYS_seccomp, 0, 1, 0));
  Attempt("seccomp listener", CALL(SYS_seccomp, 1, 8, 0));
}
