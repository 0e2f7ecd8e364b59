// act: reads and clears the kernel's log
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int type = 0; type <= 10; ++type) Attempt("syslog", CALL(SYS_syslog, type, buffer, 4096));
}
