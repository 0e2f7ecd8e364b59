// act: loads another kernel from a file
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("kexec_file_load", CALL(SYS_kexec_file_load, 0, 0, 0, 0, 0)); }
