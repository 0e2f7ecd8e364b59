// act: types into a terminal, whatever the high bits of the request
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int fd = 0; fd < 3; ++fd) {
    Attempt("TIOCSTI", CALL(SYS_ioctl, fd, 0x5412, "x"));
    Attempt("TIOCLINUX", CALL(SYS_ioctl, fd, 0x541c, "\x03"));
    for (int bit = 32; bit < 64; ++bit) {
      Attempt("TIOCSTI with high bits", CALL(SYS_ioctl, fd, 0x5412 | 1ul << bit, "x"));
      Attempt("TIOCLINUX with high bits", CALL(SYS_ioctl, fd, 0x541c | 1ul << bit, "\x03"));
    }
  }
}
