// act: takes back that it can gain no privileges
// expect: refused EINVAL|EPERM
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) Escaped("no_new_privs is not set");
  Attempt("no_new_privs off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
