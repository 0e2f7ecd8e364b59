// act: makes each kind of namespace with unshare
// expect: refused EPERM
#include "../act.h"

int main(void) {
  const long kinds[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                        CLONE_NEWUTS,  CLONE_NEWIPC, CLONE_NEWCGROUP, 0x80 /* time */};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); ++i) {
    Attempt("unshare", CALL(SYS_unshare, kinds[i]));
  }
}
