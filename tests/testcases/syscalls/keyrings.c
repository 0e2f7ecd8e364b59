// act: uses kernel keyrings, which are shared by uid
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int command = 0; command < 33; ++command) Attempt("keyctl", CALL(SYS_keyctl, command, -3));
  Attempt("add_key", CALL(SYS_add_key, "user", "name", "data", 4, -4));
  Attempt("request_key", CALL(SYS_request_key, "user", "name", 0, -4));
}
