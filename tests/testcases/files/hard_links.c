// act: makes hard links to files that it may not write
// expect: refused EXDEV|EPERM|EROFS|ENOENT|EACCES
#include "../act.h"

int main(void) {
  Attempt("program", link("/usr/bin/env", "/tmp/env"));
  Attempt("code", link("/var/task/act.py", "/tmp/act.py"));
  Attempt("its program", linkat(AT_FDCWD, "/proc/self/exe", AT_FDCWD, "/tmp/exe", AT_SYMLINK_FOLLOW));
  const int fd = open("/usr/bin/env", O_RDONLY);
  Attempt("descriptor", linkat(fd, "", AT_FDCWD, "/tmp/fd", AT_EMPTY_PATH));
}
