// act: gives its files to others, so that they seem to be theirs
// expect: refused EPERM|EINVAL
#include "../act.h"

int main(void) {
  close(open("/tmp/file", O_WRONLY | O_CREAT, 0755));
  Attempt("root", chown("/tmp/file", 0, 0));
  Attempt("nobody", chown("/tmp/file", 65534, 65534));
  Attempt("another", chown("/tmp/file", 1001, 1001));
}
