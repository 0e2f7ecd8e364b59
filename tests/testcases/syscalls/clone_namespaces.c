// act: makes each kind of namespace with clone
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const long kinds[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                        CLONE_NEWUTS,  CLONE_NEWIPC, CLONE_NEWCGROUP};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); ++i) {
    const long pid = CALL(SYS_clone, kinds[i] | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    Attempt("clone", pid);
  }
}
