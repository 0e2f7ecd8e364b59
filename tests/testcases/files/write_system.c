// act: changes programs and libraries that all functions share
// expect: refused EROFS|EACCES|EPERM|EXDEV|ETXTBSY|ENOENT
#include "../act.h"

int main(void) {
  const char* files[] = {"/usr/bin/python3", "/usr/bin/env", "/lib64/ld-linux-x86-64.so.2",
                         "/etc/passwd", "/etc/ld.so.cache", "/etc/hosts"};
  for (size_t i = 0; i < sizeof(files) / sizeof(*files); ++i) {
    AttemptOpen(files[i], O_WRONLY);
    Attempt("rename over", rename("/tmp/x", files[i]) == 0 ? 0 : (errno == ENOENT ? (errno = EROFS, -1) : -1));
    Attempt("chmod", chmod(files[i], 0777));
    Attempt("unlink", unlink(files[i]));
  }
}
