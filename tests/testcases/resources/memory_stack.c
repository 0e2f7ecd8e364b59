// act: calls itself without end
// expect: killed SIGSEGV
#include "../act.h"

__attribute__((noinline)) static int Deeper(volatile int* above) {
  volatile int here[256];
  here[0] = *above + 1;
  return (here[0] < INT_MAX ? Deeper(here) : 0) + here[0];
}

int main(void) {
  volatile int zero = 0;
  return Deeper(&zero);
}
