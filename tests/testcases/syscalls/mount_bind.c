// act: binds /usr to a place below /tmp
// expect: refused EPERM
#include "../act.h"

int main(void) {
  mkdir("/tmp/here", 0777);
  Attempt("bind", CALL(SYS_mount, "/usr", "/tmp/here", 0, 4096 /* MS_BIND */, 0));
}
