// act: changes what /proc says its executable and memory are
// expect: refused EPERM|EINVAL|EACCES|EFAULT|EBADF
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  const int fd = open("/usr/bin/env", O_RDONLY);
  Attempt("PR_SET_MM_EXE_FILE", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0));
  Attempt("PR_SET_MM_START_BRK", prctl(PR_SET_MM, PR_SET_MM_START_BRK, buffer, 0, 0));
}
