// act: opens the host's end of its streams again, for what it was not given
// expect: returns
#include "../act.h"

int main(void) {
  // A pipe's other end: at most its own question could be read or written, nothing of the host's.
  for (int fd = 0; fd < 3; ++fd) {
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const int again = open(path, O_RDWR | O_NONBLOCK);
    if (again < 0) continue;
    if (fstat(again, &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))) {
      Escaped(path);
    }
  }
}
