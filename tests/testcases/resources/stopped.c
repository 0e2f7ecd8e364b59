// act: stops itself, so that it cannot be ended by asking
// limits: timeout_ms=200
// expect: ends timeout
#include "../act.h"

int main(void) {
  raise(SIGSTOP);
  for (;;) pause();
}
