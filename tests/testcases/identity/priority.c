// act: runs before others
// expect: refused EACCES|EPERM
#include <sys/resource.h>

#include "../act.h"

int main(void) {
  Attempt("nice", setpriority(PRIO_PROCESS, 0, -20));
  Attempt("real-time I/O", CALL(SYS_ioprio_set, 1, 0, 1 << 13));
}
