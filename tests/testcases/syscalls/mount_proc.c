// act: mounts a proc file system without the masks
// expect: refused EPERM
#include "../act.h"

int main(void) {
  mkdir("/tmp/proc", 0777);
  Attempt("mount proc", CALL(SYS_mount, "proc", "/tmp/proc", "proc", 0, 0));
  Attempt("mount sysfs", CALL(SYS_mount, "sysfs", "/tmp/proc", "sysfs", 0, 0));
  Attempt("mount cgroup2", CALL(SYS_mount, "none", "/tmp/proc", "cgroup2", 0, 0));
}
