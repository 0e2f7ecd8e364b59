// act: leaves by the root or working directory of pid 1
// expect: refused EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/1/root/etc/passwd", O_RDONLY);
  AttemptOpen("/proc/1/root", O_PATH);
  AttemptOpen("/proc/1/cwd", O_PATH);
  Attempt("chdir", chdir("/proc/1/root"));
  Attempt("chdir", chdir("/proc/1/cwd"));
  AttemptOpen("/proc/1/ns/mnt", O_RDONLY);
}
