// act: reads the environment of pid 1, where a launcher's secrets would be
// expect: refused EACCES|EPERM|ENOENT|EMPTY
#include "../act.h"

int main(void) { AttemptRead("/proc/1/environ"); }
