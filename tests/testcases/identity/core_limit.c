// act: sets its limit for core dumps to 0, at which the host's handler of them is started all the same
// expect: refused ENOSYS|EPERM
#include <sys/resource.h>

#include "../act.h"

int main(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max > 1) Escaped("core dumps");
  const struct rlimit none = {0, 0};
  Attempt("setrlimit", CALL(SYS_setrlimit, RLIMIT_CORE, &none));
  Attempt("prlimit64", CALL(SYS_prlimit64, 0, RLIMIT_CORE, &none, 0));
  Attempt("prlimit64 with high bits", CALL(SYS_prlimit64, 0, RLIMIT_CORE | 1ul << 32, &none, 0));
  Attempt("prlimit64 of init", CALL(SYS_prlimit64, 1, RLIMIT_CORE, &none, 0));
}
