// act: counts what the CPU does, for side channels
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("perf_event_open", CALL(SYS_perf_event_open, buffer, 0, -1, -1, 0));
  Attempt("perf_event_open of all", CALL(SYS_perf_event_open, buffer, -1, 0, -1, 0));
}
