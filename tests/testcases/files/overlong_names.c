// act: uses names and paths longer than there are
// expect: refused ENAMETOOLONG|ENOENT|ELOOP
#include "../act.h"

int main(void) {
  static char name[8192];
  memset(name, 'x', 300);
  memcpy(name, "/tmp/", 5);
  AttemptOpen(name, O_WRONLY | O_CREAT);
  memset(name, '/', sizeof(name) - 1);
  AttemptOpen(name, O_RDONLY);
  (void)!symlink("/tmp/loop", "/tmp/loop");
  AttemptOpen("/tmp/loop/x", O_RDONLY);
}
