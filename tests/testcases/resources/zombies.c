// act: leaves its children dead and unburied
// limits: processes=32
// expect: ends too_many_processes
#include "../act.h"

int main(void) {
  for (;;) {
    if (fork() == 0) _exit(0);
  }
}
