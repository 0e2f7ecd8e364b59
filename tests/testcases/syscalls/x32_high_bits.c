// act: makes an x32 call with bits set that the kernel ignores
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("x32", CALL(0x7fffffff00000000l | 0x40000000 | SYS_getpid)); }
