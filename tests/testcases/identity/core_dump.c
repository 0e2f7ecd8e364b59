// act: leaves a core dump, or has the host's handler of them take one
// expect: killed SIGSEGV
#include "../act.h"

int main(void) {
  Bait("file");
  if (chdir("/tmp") != 0) return 1;
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}
