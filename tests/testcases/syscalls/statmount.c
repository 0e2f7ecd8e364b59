// act: asks for the mounts of the namespace, and of others
// expect: refused ENOSYS|EPERM
#include "../act.h"

int main(void) {
  uint64_t request[4] = {32, 0xffffffffffffffff, 0, 0};
  Attempt("listmount", CALL(458, request, buffer, 100, 0));
  Attempt("statmount", CALL(457, request, buffer, sizeof(buffer), 0));
  Attempt("listns", CALL(470, request, buffer, 100, 0));
}
