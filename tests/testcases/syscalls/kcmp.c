// act: compares kernel objects of processes, which tells their addresses' order
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int type = 0; type < 8; ++type) Attempt("kcmp", CALL(SYS_kcmp, getpid(), 1, type, 0, 0));
}
