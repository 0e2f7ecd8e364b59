// act: opens what pid 1 has open
// expect: refused EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/1/fd", O_RDONLY | O_DIRECTORY);
  AttemptOpen("/proc/1/fdinfo", O_RDONLY | O_DIRECTORY);
  for (int fd = 0; fd < 16; ++fd) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
    AttemptOpen(path, O_RDONLY);
  }
}
