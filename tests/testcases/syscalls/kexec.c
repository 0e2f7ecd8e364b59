// act: loads another kernel
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("kexec_load", CALL(SYS_kexec_load, 0, 0, 0, 0)); }
