// act: logs without end from many processes, a byte at a time
// limits: output=100K
// expect: ends output_limit
#include "../act.h"

int main(void) {
  for (int i = 0; i < 8; ++i) {
    if (fork() == 0) {
      for (;;) (void)!write(2, "x", 1);
    }
  }
  for (;;) pause();
}
