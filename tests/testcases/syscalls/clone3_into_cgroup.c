// act: makes a process in another control group with clone3
// expect: refused ENOSYS
#include "../act.h"

int main(void) {
  const uint64_t arguments[11] = {0x200000000, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0};
  const long pid = CALL(435, arguments, sizeof(arguments));
  if (pid == 0) _exit(0);
  Attempt("clone3", pid);
}
