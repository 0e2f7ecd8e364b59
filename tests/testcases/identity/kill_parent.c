// act: signals whoever started it, which is nobody it can reach
// expect: returns parent 1
#include "../act.h"

int main(void) {
  printf("parent %d\n", getppid());
  fflush(stdout);
  if (getppid() == 0) Escaped("a parent outside");
  kill(getppid(), SIGTERM);
  kill(0, SIGWINCH);
}
