// act: ends, and a grandchild goes on writing to its output
// expect: returns done
#include "../act.h"

int main(void) {
  const pid_t parent = getpid();
  puts("done");
  fflush(stdout);
  if (fork() == 0) {
    setsid();
    while (getppid() == parent) sched_yield();
    for (;;) {
      if (write(2, "late", 4) != 4) _exit(0);
    }
  }
}
