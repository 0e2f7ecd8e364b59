// act: makes a call by its x32 number that the filter refuses by its own
// expect: killed SIGSYS
#include "../act.h"

int main(void) { Attempt("x32 ptrace", CALL(0x40000000 | 521, 0, 0, 0, 0)); }
