// act: takes the machine's swap away
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("swapoff", CALL(SYS_swapoff, "/swapfile")); }
