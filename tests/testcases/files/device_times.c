// act: touches the host's device nodes
// expect: refused EROFS|EPERM|EACCES
// skip docker: the nodes are the container's own
#include "../act.h"

int main(void) {
  const char* names[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    Attempt("utimes", utimensat(AT_FDCWD, names[i], NULL, 0));
  }
}
