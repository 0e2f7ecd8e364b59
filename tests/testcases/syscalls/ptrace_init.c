// act: attaches to pid 1 as a debugger
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("PTRACE_ATTACH", CALL(SYS_ptrace, 16, 1, 0, 0));
  Attempt("PTRACE_SEIZE", CALL(SYS_ptrace, 0x4206, 1, 0, 0));
  Attempt("no such request", CALL(SYS_ptrace, 0x7fff, 1, 0, 0));
}
