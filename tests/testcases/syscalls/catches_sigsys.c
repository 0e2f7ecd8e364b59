// act: catches SIGSYS to go on after a forbidden call
// expect: killed SIGSYS
#include "../act.h"

static void Caught(int signal) {
  (void)signal;
  Escaped("the handler ran");
}

int main(void) {
  signal(SIGSYS, Caught);
  Attempt("reboot", CALL(SYS_reboot, 0, 0, 0, 0));
}
