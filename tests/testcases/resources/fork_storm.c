// act: starts and ends processes as fast as it can
// limits: timeout_ms=500
// expect: ends timeout|too_many_processes
#include "../act.h"

int main(void) {
  for (;;) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
  }
}
