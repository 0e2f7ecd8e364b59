// act: makes pipes larger than it may
// expect: refused EPERM|EMFILE|EINVAL|EBUSY
#include "../act.h"

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  Attempt("pipe of 1 GiB", fcntl(ends[1], F_SETPIPE_SZ, 1 << 30));
}
