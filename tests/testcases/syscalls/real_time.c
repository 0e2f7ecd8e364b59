// act: schedules itself before everybody else
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const int priority = 1;
  for (int reset = 0; reset < 2; ++reset) {
    const unsigned long flag = reset ? 0x40000000 : 0;
    Attempt("FIFO", CALL(SYS_sched_setscheduler, 0, 1 | flag, &priority));
    Attempt("RR", CALL(SYS_sched_setscheduler, 0, 2 | flag, &priority));
    Attempt("DEADLINE", CALL(SYS_sched_setscheduler, 0, 6 | flag, &priority));
    Attempt("FIFO with high bits", CALL(SYS_sched_setscheduler, 0, 1 | flag | 1ul << 32, &priority));
  }
  uint32_t attributes[14] = {sizeof(attributes), 1, 0, 0, 0, 1};
  Attempt("sched_setattr", CALL(SYS_sched_setattr, 0, attributes, 0));
}
