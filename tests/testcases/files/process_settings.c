// act: writes settings of its process that others suffer from
// expect: refused EROFS|EPERM|EACCES|ENOENT|EINVAL
#include "../act.h"

int main(void) {
  AttemptWrite("/proc/self/oom_score_adj", "-1000");
  AttemptWrite("/proc/self/oom_adj", "-17");
  AttemptWrite("/proc/self/timens_offsets", "monotonic 1000 0");
  AttemptWrite("/proc/self/attr/current", "unconfined");
  AttemptWrite("/proc/self/attr/exec", "unconfined");
}
