// act: maps its pages into a pipe, the beginning of several kernel exploits
// expect: refused EPERM
#include "../act.h"

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  void* part[2] = {buffer, (void*)4096};
  Attempt("vmsplice", CALL(SYS_vmsplice, ends[1], part, 1, 8 /* SPLICE_F_GIFT */));
}
