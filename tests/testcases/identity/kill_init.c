// act: ends, stops and interrupts pid 1
// expect: returns still here
#include "../act.h"

int main(void) {
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal != SIGCONT) kill(1, signal);
  }
  const int init = (int)CALL(SYS_pidfd_open, 1, 0);
  CALL(SYS_pidfd_send_signal, init, SIGKILL, 0, 0);
  CALL(SYS_tgkill, 1, 1, SIGKILL);
  union sigval value = {0};
  sigqueue(1, SIGTERM, value);
  if (kill(1, 0) == 0) puts("still here");
}
