// act: starts processes without end
// limits: processes=32
// expect: ends too_many_processes
#include "../act.h"

int main(void) {
  for (;;) (void)!fork();
}
