// act: makes timers, which the kernel keeps
// expect: refused EAGAIN
#include <time.h>

#include "../act.h"

int main(void) {
  for (int i = 0; i < 1000000; ++i) {
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0) continue;
    Attempt("timer_create", -1);
    return 0;
  }
  Escaped("a million timers");
}
