// act: lets its parent trace it
// expect: refused EPERM
#include "../act.h"

int main(void) { Attempt("PTRACE_TRACEME", CALL(SYS_ptrace, 0, 0, 0, 0)); }
