// act: hides a netlink socket behind bits that the kernel does not read
// expect: refused EPERM|ENOSYS|EAFNOSUPPORT
#include "../act.h"

int main(void) {
  for (int bit = 32; bit < 64; ++bit) {
    Attempt("netlink", CALL(SYS_socket, 16 | 1ul << bit, 3, 0));
    Attempt("packet", CALL(SYS_socket, 17 | 1ul << bit, 3, 0));
  }
}
