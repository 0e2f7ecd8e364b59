// act: ends, but a grandchild holds its output open
// expect: returns done
#include "../act.h"

int main(void) {
  if (fork() == 0) {
    setsid();
    for (;;) pause();
  }
  puts("done");
}
