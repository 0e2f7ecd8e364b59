// act: makes an x32 call
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("x32", CALL(0x40000000 | SYS_getpid)); }
