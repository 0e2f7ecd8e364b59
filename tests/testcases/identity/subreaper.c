// act: takes its orphans from pid 1, so that they are not ended with it
// expect: returns gone
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      close(0);
      close(1);
      close(2);
      for (;;) pause();
    }
    _exit(0);
  }
  puts("gone");
}
