// act: frees the memory of another process
// expect: refused EPERM
#include "../act.h"

int main(void) { Attempt("process_mrelease", CALL(448, -1, 0)); }
