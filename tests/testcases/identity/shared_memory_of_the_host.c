// act: attaches shared memory of the host that anyone may
// expect: refused EINVAL|EIDRM|EACCES
#include <sys/shm.h>

#include "../act.h"

int main(void) {
  const void* at = shmat(atoi(Bait("shm")), NULL, 0);
  Attempt("shmat", at == (void*)-1 ? -1 : 0);
}
