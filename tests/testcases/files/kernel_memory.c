// act: reads the kernel's memory and addresses
// expect: refused EACCES|EPERM|ENOENT|EMPTY|ENXIO
#include "../act.h"

int main(void) {
  const char* names[] = {"/proc/kcore", "/proc/kallsyms", "/proc/kmsg", "/proc/kpageflags",
                         "/proc/kpagecount", "/proc/modules", "/proc/vmallocinfo", "/proc/iomem",
                         "/proc/ioports", "/proc/slabinfo", "/proc/timer_list", "/proc/sched_debug",
                         "/proc/keys", "/proc/key-users", "/proc/config.gz", "/proc/pagetypeinfo",
                         "/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) AttemptRead(names[i]);
}
