// act: becomes root, or somebody else
// expect: refused EPERM|EINVAL
#include "../act.h"

int main(void) {
  Attempt("setuid", CALL(SYS_setuid, 0));
  Attempt("seteuid", CALL(SYS_setresuid, -1, 0, -1));
  Attempt("setreuid", CALL(SYS_setreuid, 0, 0));
  Attempt("setgid", CALL(SYS_setgid, 0));
  Attempt("setresgid", CALL(SYS_setresgid, 0, 0, 0));
  Attempt("setuid 1", CALL(SYS_setuid, 1));
  Attempt("setuid nobody", CALL(SYS_setuid, 65534));
  Attempt("setuid of the next", CALL(SYS_setuid, 1001));
  const int root = 0;
  Attempt("setgroups", CALL(SYS_setgroups, 1, &root));
  Attempt("no groups", CALL(SYS_setgroups, 0, 0));
}
