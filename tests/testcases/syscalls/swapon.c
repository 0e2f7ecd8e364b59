// act: swaps to a file of its own
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("swapon", CALL(SYS_swapon, "/tmp/swap", 0)); }
