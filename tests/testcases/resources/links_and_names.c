// act: fills /tmp with links and long extended attributes instead of files
// limits: tmp=1M
// expect: refused ENOSPC|EDQUOT|EPERM|EOPNOTSUPP|EMLINK
#include <sys/xattr.h>

#include "../act.h"

int main(void) {
  char target[4000];
  memset(target, 'x', sizeof(target) - 1);
  target[sizeof(target) - 1] = 0;
  for (int i = 0;; ++i) {
    char path[64];
    snprintf(path, sizeof(path), "/tmp/%d", i);
    if (symlink(target, path) == 0) continue;
    Attempt("symlink", -1);
    break;
  }
  if (unlink("/tmp/0") != 0) return 1;
  close(open("/tmp/file", O_WRONLY | O_CREAT, 0600));
  for (int i = 0; i < 1000; ++i) {
    char name[64];
    snprintf(name, sizeof(name), "user.%d", i);
    if (setxattr("/tmp/file", name, buffer, sizeof(buffer), 0) == 0) continue;
    Attempt("attribute", -1);
    return 0;
  }
  Escaped("1000 attributes");
}
