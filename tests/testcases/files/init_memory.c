// act: reads and writes the memory of pid 1
// expect: refused EACCES|EPERM|EROFS|ENOENT|EMPTY
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/1/mem", O_RDONLY);
  AttemptOpen("/proc/1/mem", O_RDWR);
  AttemptRead("/proc/1/maps");
  AttemptRead("/proc/1/smaps");
  AttemptRead("/proc/1/pagemap");
  AttemptRead("/proc/1/auxv");
  AttemptRead("/proc/1/stack");
  AttemptRead("/proc/1/syscall");
}
