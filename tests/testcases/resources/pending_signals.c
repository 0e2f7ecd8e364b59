// act: queues signals, which are counted by user
// expect: refused EAGAIN
#include "../act.h"

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  const union sigval value = {0};
  for (int i = 0; i < 1000000; ++i) {
    if (sigqueue(getpid(), SIGRTMIN + 1, value) == 0) continue;
    Attempt("sigqueue", -1);
    return 0;
  }
  Escaped("a million signals");
}
