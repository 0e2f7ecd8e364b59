// act: renames the machine
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("sethostname", CALL(SYS_sethostname, "evil", 4));
  Attempt("setdomainname", CALL(SYS_setdomainname, "evil", 4));
}
