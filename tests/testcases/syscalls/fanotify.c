// act: watches whole file systems
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("fanotify_init", CALL(SYS_fanotify_init, 0x200, O_RDONLY));
  Attempt("fanotify_mark", CALL(SYS_fanotify_mark, 0, 1 | 0x100, 2, AT_FDCWD, "/"));
}
