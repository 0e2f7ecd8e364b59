// act: writes process accounting, and sets quotas
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("acct", CALL(SYS_acct, "/tmp/accounting"));
  Attempt("acct off", CALL(SYS_acct, 0));
  Attempt("quotactl", CALL(SYS_quotactl, 0x800002, "/dev/sda1", 0, "/tmp/q"));
  Attempt("quotactl_fd", CALL(443, 0, 0x800002, 0, buffer));
}
