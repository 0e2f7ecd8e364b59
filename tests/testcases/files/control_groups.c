// act: raises its own limits in the control group's files
// expect: refused ENOENT|EACCES|EROFS
#include "../act.h"

int main(void) {
  const char* names[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                         "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max",
                         "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/devices/devices.allow",
                         "/sys/fs/cgroup/freezer/tasks"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) AttemptOpen(names[i], O_WRONLY);
  Attempt("mkdir", mkdir("/sys/fs/cgroup/mine", 0755));
}
