// act: shares a namespace with pid 1 only, and none with the host
// expect: returns
#include "../act.h"

int main(void) {
  // The initial namespaces have these numbers on every machine (include/linux/proc_ns.h).
  const char* names[] = {"pid", "uts", "ipc", "cgroup"};
  const char* initial[] = {"pid:[4026531836]", "uts:[4026531838]", "ipc:[4026531839]",
                           "cgroup:[4026531835]"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    char path[64], target[64] = "";
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    (void)readlink(path, target, sizeof(target) - 1);
    if (strcmp(target, initial[i]) == 0) Escaped(target);
  }
}
