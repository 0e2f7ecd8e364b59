// act: makes semaphores until there are none left
// expect without-cgroups: refused ENOSYS
// limits: memory=24M
// expect: refused ENOSPC|ENOMEM or ends out_of_memory
#include <sys/sem.h>

#include "../act.h"

int main(void) {
  for (int i = 0; i < 100000; ++i) {
    if (semget(IPC_PRIVATE, 32000, 0600) >= 0) continue;
    Attempt("semget", -1);
    return 0;
  }
  Escaped("100000 sets");
}
