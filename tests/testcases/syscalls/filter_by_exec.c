// act: starts itself anew, hoping that the filter stays behind
// expect: refused EPERM
#include "../act.h"

int main(int count, char** arguments) {
  if (count < 3) {
    char* again[] = {arguments[0], arguments[1], "again", NULL};
    execv("/proc/self/exe", again);
    return 1;
  }
  Attempt("ptrace", CALL(SYS_ptrace, 0, 0, 0, 0));
  Attempt("unshare", CALL(SYS_unshare, CLONE_NEWUSER));
}
