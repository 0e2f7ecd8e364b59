// act: changes the root of the mount namespace
// expect: refused EPERM
#include "../act.h"

int main(void) {
  mkdir("/tmp/new", 0777);
  Attempt("pivot_root", CALL(SYS_pivot_root, "/tmp/new", "/tmp/new"));
  Attempt("pivot_root in place", CALL(SYS_pivot_root, ".", "."));
}
