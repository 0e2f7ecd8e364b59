// act: does nothing, for ever
// limits: timeout_ms=200
// expect: ends timeout
#include "../act.h"

int main(void) {
  for (;;) pause();
}
