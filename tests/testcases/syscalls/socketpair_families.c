// act: makes socket pairs of other families
// expect: refused EPERM|ENOSYS|EAFNOSUPPORT|EOPNOTSUPP
#include "../act.h"

int main(void) {
  for (int family = 0; family < 64; ++family) {
    if (family == AF_UNIX) continue;
    Attempt("socketpair", CALL(SYS_socketpair, family, 1, 0, buffer));
  }
}
