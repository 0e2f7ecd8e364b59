// act: makes device nodes for disks and memory
// expect: refused EPERM|ENOSYS
#include <sys/sysmacros.h>

#include "../act.h"

int main(void) {
  Attempt("mem", mknod("/tmp/mem", S_IFCHR | 0666, makedev(1, 1)));
  Attempt("null", mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)));
  Attempt("sda", mknod("/tmp/sda", S_IFBLK | 0666, makedev(8, 0)));
  Attempt("vda", mknodat(AT_FDCWD, "/tmp/vda", S_IFBLK | 0666, makedev(254, 0)));
  Attempt("whiteout", mknod("/tmp/whiteout", S_IFCHR | 0666, 0));
}
