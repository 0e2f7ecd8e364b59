// act: makes an io_uring, which does what a filter would refuse
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("io_uring_setup", CALL(425, 8, buffer));
  Attempt("io_uring_enter", CALL(426, 0, 1, 0, 0, 0, 0));
  Attempt("io_uring_register", CALL(427, 0, 0, 0, 0));
}
