// act: mounts with the newer calls
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("open_tree", CALL(428, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
  Attempt("open_tree recursive", CALL(428, AT_FDCWD, "/usr", 1 | 0x8000));
  Attempt("move_mount", CALL(429, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0));
  Attempt("fsopen", CALL(430, "tmpfs", 0));
  Attempt("fsconfig", CALL(431, 0, 6, 0, 0, 0));
  Attempt("fsmount", CALL(432, 0, 0, 0));
  Attempt("fspick", CALL(433, AT_FDCWD, "/", 0));
  Attempt("mount_setattr", CALL(442, AT_FDCWD, "/", 0, buffer, 32));
}
