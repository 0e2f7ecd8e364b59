// act: computes without end in many processes
// limits: timeout_ms=300
// expect: ends timeout
#include "../act.h"

int main(void) {
  for (int i = 0; i < 16; ++i) {
    if (fork() == 0) break;
  }
  for (;;) __asm__ volatile("");
}
