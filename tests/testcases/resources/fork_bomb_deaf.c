// act: starts processes without end that ignore every signal and have sessions of their own
// limits: processes=32
// expect: ends too_many_processes
#include "../act.h"

int main(void) {
  for (int signal = 1; signal < 65; ++signal) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(signal, &ignore, NULL);
  }
  for (;;) {
    if (fork() == 0) setsid();
  }
}
