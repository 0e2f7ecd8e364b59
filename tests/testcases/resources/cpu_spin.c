// act: computes without end
// limits: timeout_ms=300
// expect: ends timeout
#include "../act.h"

int main(void) {
  for (;;) __asm__ volatile("");
}
