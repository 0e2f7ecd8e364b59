// act: changes its own code, which the next invocation would run
// expect: refused EROFS|EACCES
#include "../act.h"

int main(void) {
  AttemptOpen("/var/task/new", O_WRONLY | O_CREAT);
  AttemptOpen("/var/task/act.py", O_WRONLY);
  AttemptOpen("/proc/self/cwd/act.py", O_RDWR | O_TRUNC);
  Attempt("mkdir", mkdir("/var/task/directory", 0777));
  Attempt("rename", rename("/var/task/act.py", "/var/task/other.py"));
  Attempt("unlink", unlink("/var/task/act.py"));
  Attempt("chmod", chmod("/var/task/act.py", 0777));
  Attempt("symlink", symlink("/etc/passwd", "/var/task/link"));
  Attempt("truncate", truncate("/var/task/act.py", 0));
}
