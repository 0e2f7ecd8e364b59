// act: writes to read-only memory of shared libraries through /proc/self/mem
// expect: refused EROFS|EACCES|EPERM
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/self/mem", O_RDWR);
  AttemptOpen("/proc/thread-self/mem", O_WRONLY);
}
