// act: has the kernel run a program of its own, the old ways
// expect: refused ENOENT|EACCES|EROFS
#include "../act.h"

int main(void) {
  AttemptOpen("/sys/kernel/uevent_helper", O_WRONLY);
  AttemptOpen("/sys/fs/cgroup/release_agent", O_WRONLY);
  AttemptOpen("/sys/fs/cgroup/memory/release_agent", O_WRONLY);
  AttemptOpen("/sys/kernel/debug/tracing/kprobe_events", O_WRONLY);
  AttemptOpen("/sys/power/state", O_WRONLY);
}
