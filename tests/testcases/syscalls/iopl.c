// act: speaks to the machine's ports
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("iopl", CALL(SYS_iopl, 3)); }
