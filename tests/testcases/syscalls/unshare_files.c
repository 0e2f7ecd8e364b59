// act: unshares descriptors and file system state, which is how others begin
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("unshare nothing", CALL(SYS_unshare, 0));
  Attempt("unshare files", CALL(SYS_unshare, CLONE_FILES | CLONE_FS));
}
