// act: takes all pseudo-terminals of the machine
// limits: files=8192
// expect: refused ENOENT|EACCES|ENXIO|EMFILE|EIO|ENOSPC
#include "../act.h"

int main(void) {
  for (int i = 0; i < 5000; ++i) {
    if (open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0) continue;
    Attempt("ptmx", -1);
    return 0;
  }
  Escaped("5000 terminals");
}
