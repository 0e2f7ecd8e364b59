// act: finds a descriptor that the host forgot
// expect: returns
#include "../act.h"

int main(void) {
  for (int fd = 3; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    char path[64], target[256] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)readlink(path, target, sizeof(target) - 1);
    printf("ESCAPED descriptor %d is %s\n", fd, target);
  }
}
