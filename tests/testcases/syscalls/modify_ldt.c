// act: writes the local descriptor table
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("modify_ldt read", CALL(SYS_modify_ldt, 0, buffer, 16));
  Attempt("modify_ldt write", CALL(SYS_modify_ldt, 0x11, buffer, 16));
}
