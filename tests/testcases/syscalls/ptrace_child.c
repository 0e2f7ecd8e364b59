// act: traces a child of its own, to make calls with other numbers than the filter saw
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  Attempt("PTRACE_SEIZE", CALL(SYS_ptrace, 0x4206, child, 0, 0));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}
