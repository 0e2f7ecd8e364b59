// act: loads a kernel module from memory
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("init_module", CALL(SYS_init_module, buffer, 4096, "")); }
