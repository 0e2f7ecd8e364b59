// act: raises capabilities in every way there is
// expect: refused EPERM|EINVAL
#include <linux/capability.h>
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  Attempt("capset", CALL(SYS_capset, &header, all));
  struct __user_cap_data_struct one[2] = {{0, 1, 0}, {0, 0, 0}};
  Attempt("capset permitted", CALL(SYS_capset, &header, one));
  struct __user_cap_data_struct inheritable[2] = {{0, 0, 1u << 21}, {0, 0, 0}};
  Attempt("capset inheritable", CALL(SYS_capset, &header, inheritable));
  Attempt("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
  Attempt("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}
