// act: leaves by the old trick of chroot and ".."
// expect: refused EPERM
#include "../act.h"

int main(void) {
  mkdir("/tmp/jail", 0777);
  Attempt("chroot", CALL(SYS_chroot, "/tmp/jail"));
  Attempt("chroot here", CALL(SYS_chroot, "."));
}
