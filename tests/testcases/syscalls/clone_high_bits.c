// act: hides namespace flags of clone behind bits that the kernel does not read
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int bit = 32; bit < 64; ++bit) {
    const long pid = CALL(SYS_clone, CLONE_NEWUSER | SIGCHLD | 1ul << bit, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    Attempt("clone", pid);
  }
}
