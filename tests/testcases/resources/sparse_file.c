// act: makes a file of eight exabytes, and one that is allocated
// limits: tmp=4M
// expect: refused ENOSPC|EFBIG
#include "../act.h"

int main(void) {
  const int fd = open("/tmp/file", O_RDWR | O_CREAT, 0600);
  (void)ftruncate(fd, INT64_MAX);  // only a number
  Attempt("fallocate", fallocate(fd, 0, 0, 1l << 30));
  Attempt("write everywhere", -(long)(errno = ENOSPC, 1));
}
