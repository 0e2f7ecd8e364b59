// act: fills /tmp
// expect: refused ENOSPC
// limits: tmp=1M
#include "../act.h"

int main(void) {
  const int fd = open("/tmp/file", O_WRONLY | O_CREAT, 0600);
  for (int i = 0; i < 4096; ++i) {
    if (write(fd, buffer, sizeof(buffer)) >= 0) continue;
    Attempt("write", -1);
    return 0;
  }
  Escaped("16 MiB");
}
