// act: unloads a kernel module
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("delete_module", CALL(SYS_delete_module, "ext4", 0)); }
