// act: opens files until it can no more
// limits: files=256
// expect: refused EMFILE
#include "../act.h"

int main(void) {
  for (int i = 0; i < 100000; ++i) {
    if (open("/dev/null", O_RDONLY) < 0) {
      Attempt("open", -1);
      return 0;
    }
  }
  Escaped("100000 descriptors");
}
