// act: opens what pid 1 has open
// expect: refused EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  for (int fd = 0; fd < 16; ++fd) {
    char path[64], target[256];
    snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
    AttemptOpen(path, O_RDONLY);
    AttemptOpen(path, O_PATH);
    Attempt(path, readlink(path, target, sizeof(target)));
    snprintf(path, sizeof(path), "/proc/1/fdinfo/%d", fd);
    AttemptRead(path);
  }
}
