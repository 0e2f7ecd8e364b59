// act: mounts a tmpfs over the code
// expect: refused EPERM
#include "../act.h"

int main(void) { Attempt("mount", CALL(SYS_mount, "tmpfs", "/var/task", "tmpfs", 0, 0)); }
