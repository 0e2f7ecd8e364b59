// act: hides memory in System V segments that it detaches again
// limits: memory=24M, timeout_ms=60000
// expect: ends out_of_memory
// expect without-cgroups: refused ENOSYS
#include <sys/shm.h>

#include "../act.h"

int main(void) {
  for (int i = 0; i < 64; ++i) {
    const int id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
    if (id < 0) {
      Attempt("shmget", -1);
      return 0;
    }
    char* at = shmat(id, NULL, 0);
    if (at == (char*)-1) break;
    memset(at, 1, 1 << 20);
    shmdt(at);
  }
  for (;;) pause();
}
