// act: follows links of its own making out of the sandbox
// expect: refused ENOENT
#include "../act.h"

int main(void) {
  Attempt("to a secret", symlink("/../../../../etc/shadow", "/tmp/a") == 0 ? open("/tmp/a", O_RDONLY) : -1);
  Attempt("to the bait", symlink(Bait("file"), "/tmp/b") == 0 ? open("/tmp/b", O_RDWR) : -1);
  Attempt("through proc", open("/proc/self/root/proc/self/root/etc/shadow", O_RDONLY));
  Attempt("through cwd", open("/proc/self/cwd/../../../../../etc/shadow", O_RDONLY));
}
