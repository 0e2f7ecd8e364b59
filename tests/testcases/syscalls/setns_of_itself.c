// act: joins namespaces by the files in its own /proc/self/ns
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const char* names[] = {"user", "mnt", "net", "pid", "ipc", "uts", "cgroup", "time"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    const int fd = open(path, O_RDONLY);
    Attempt(path, CALL(SYS_setns, fd, 0));
    close(fd);
  }
}
