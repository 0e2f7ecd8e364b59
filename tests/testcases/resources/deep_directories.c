// act: makes directories within directories until it can no more
// limits: tmp=4M
// expect: refused ENOSPC|ENAMETOOLONG
#include "../act.h"

int main(void) {
  if (chdir("/tmp") != 0) return 1;
  for (int depth = 0; depth < 100000; ++depth) {
    if (mkdir("d", 0700) != 0 || chdir("d") != 0) {
      Attempt("directory", -1);
      return 0;
    }
  }
  Escaped("100000 directories");
}
