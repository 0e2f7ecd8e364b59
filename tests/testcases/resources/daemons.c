// act: returns and leaves daemons in sessions of their own
// expect: returns done
#include "../act.h"

int main(void) {
  for (int i = 0; i < 4; ++i) {
    if (fork() == 0) {
      setsid();
      if (fork() == 0) {
        setsid();
        if (chdir("/") != 0) _exit(1);
        for (int fd = 0; fd < 3; ++fd) close(fd);
        for (;;) pause();
      }
      _exit(0);
    }
    wait(NULL);
  }
  puts("done");
}
