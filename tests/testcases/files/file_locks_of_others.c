// act: locks shared files, which others would wait for
// expect: refused EACCES|EBADF|EROFS|EINVAL|EPERM
#include <sys/file.h>

#include "../act.h"

int main(void) {
  const int fd = open("/usr/bin/env", O_RDONLY);
  struct flock whole = {.l_type = F_WRLCK};
  Attempt("write lock", fcntl(fd, F_SETLK, &whole));
  const int leases[] = {F_WRLCK, F_RDLCK, F_UNLCK};
  for (int i = 0; i < 3; ++i) {
    Attempt("lease", fcntl(fd, F_SETLEASE, leases[i]));
    Attempt("lease with high bits", CALL(SYS_fcntl, fd, F_SETLEASE | 1ul << 32, leases[i]));
  }
}
