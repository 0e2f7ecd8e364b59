// act: loads a kernel module from a file
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("finit_module", CALL(SYS_finit_module, 0, "", 0)); }
