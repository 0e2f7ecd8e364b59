// act: makes inotify instances, which are counted by user
// limits: files=1024
// expect: refused EMFILE
#include <sys/inotify.h>

#include "../act.h"

int main(void) {
  for (int i = 0; i < 100000; ++i) {
    if (inotify_init1(0) < 0) {
      Attempt("inotify", -1);
      return 0;
    }
  }
  Escaped("100000 instances");
}
