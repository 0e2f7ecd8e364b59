// act: asks for and sets attributes of security modules
// expect: refused ENOSYS|EPERM
#include "../act.h"

int main(void) {
  Attempt("lsm_get_self_attr", CALL(459, 100, buffer, buffer + 2048, 0));
  Attempt("lsm_set_self_attr", CALL(460, 100, buffer, 64, 0));
  Attempt("lsm_list_modules", CALL(461, buffer, buffer + 2048, 0));
}
