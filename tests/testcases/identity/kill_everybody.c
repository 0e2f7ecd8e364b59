// act: kills every process it can
// expect: returns alone
#include "../act.h"

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  kill(-1, SIGKILL);
  waitpid(child, NULL, 0);
  puts("alone");
}
