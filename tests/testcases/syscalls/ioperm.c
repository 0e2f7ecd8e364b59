// act: asks for a range of the machine's ports
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("ioperm", CALL(SYS_ioperm, 0x70, 2, 1)); }
