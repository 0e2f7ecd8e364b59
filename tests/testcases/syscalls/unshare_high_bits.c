// act: hides namespace flags of unshare behind bits that the kernel does not read
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int bit = 32; bit < 64; ++bit) {
    Attempt("unshare", CALL(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS | 1ul << bit));
  }
}
