// act: ignores and blocks every signal
// limits: timeout_ms=200
// expect: ends timeout
#include "../act.h"

int main(void) {
  sigset_t all;
  sigfillset(&all);
  for (int signal = 1; signal < 65; ++signal) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(signal, &ignore, NULL);
  }
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (;;) sigsuspend(&all);
}
