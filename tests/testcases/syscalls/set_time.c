// act: sets the machine's clocks
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("settimeofday", CALL(SYS_settimeofday, buffer, 0));
  Attempt("settimeofday null", CALL(SYS_settimeofday, 0, 0));
  for (int clock = 0; clock < 12; ++clock) {
    Attempt("clock_settime", CALL(SYS_clock_settime, clock, buffer));
    Attempt("clock_adjtime", CALL(SYS_clock_adjtime, clock, buffer));
  }
  Attempt("adjtimex", CALL(SYS_adjtimex, buffer));
}
