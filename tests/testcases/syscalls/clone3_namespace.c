// act: makes a user namespace with clone3, whose flags a filter cannot see
// expect: refused ENOSYS
#include "../act.h"

int main(void) {
  const uint64_t arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  const long pid = CALL(435, arguments, sizeof(arguments));
  if (pid == 0) _exit(0);
  Attempt("clone3", pid);
}
