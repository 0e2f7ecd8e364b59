// act: makes a user namespace together with all that threads use
// expect: refused EPERM
#include "../act.h"

int main(void) {
  static char stack[65536];
  const long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_VM | CLONE_FILES | CLONE_SIGHAND;
  const long pid = CALL(SYS_clone, flags | SIGCHLD, stack + sizeof(stack) - 64, 0, 0, 0);
  if (pid == 0) _exit(0);
  Attempt("clone", pid);
}
