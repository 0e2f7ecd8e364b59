// act: adds a filter that allows everything, hoping that the last one counts
// expect: refused EPERM
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "../act.h"

int main(void) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  if (CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return 1;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 1;
  Attempt("ptrace", CALL(SYS_ptrace, 0, 0, 0, 0));
  Attempt("unshare", CALL(SYS_unshare, CLONE_NEWUSER));
}
