// act: locks shared files, which others would wait for
// expect: refused EACCES|EBADF|EROFS|EINVAL|EPERM
#include <sys/file.h>

#include "../act.h"

int main(void) {
  const int fd = open("/usr/bin/env", O_RDONLY);
  struct flock whole = {.l_type = F_WRLCK};
  Attempt("write lock", fcntl(fd, F_SETLK, &whole));
  Attempt("lease", fcntl(fd, F_SETLEASE, F_WRLCK));
}
