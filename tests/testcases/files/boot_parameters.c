// act: reads how the machine was started, which may hold secrets
// expect: refused EMPTY|ENOENT|EACCES
#include "../act.h"

int main(void) {
  AttemptRead("/proc/cmdline");
  AttemptRead("/proc/bootconfig");
  AttemptRead("/proc/device-tree/model");
}
