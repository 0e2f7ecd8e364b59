// act: returns and leaves processes that replace each other all the time
// limits: processes=32
// expect: returns done or ends too_many_processes
#include "../act.h"

int main(void) {
  if (fork() == 0) {
    for (;;) {
      if (fork() != 0) _exit(0);
      setsid();
    }
  }
  puts("done");
}
