// act: uses a negative number, whose x32 bit is set
// expect: killed SIGSYS or refused ENOSYS
#include "../act.h"

int main(void) { Attempt("call -2", CALL(-2, 0, 0, 0)); }
