// act: makes its mounts shared, so that they would be seen outside
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("make shared", CALL(SYS_mount, "none", "/", 0, 1ul << 20 | 16384, 0));
}
