// act: restarts the machine
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("reboot", CALL(SYS_reboot, 0xfee1dead, 672274793, 0 /* no key */, 0)); }
