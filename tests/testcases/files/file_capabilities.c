// act: gives a file capabilities, and attributes that only root may set
// expect: refused EPERM|EOPNOTSUPP
#include <sys/xattr.h>

#include "../act.h"

int main(void) {
  close(open("/tmp/file", O_WRONLY | O_CREAT, 0755));
  const uint32_t all[5] = {0x02000001, 0xffffffff, 0, 0xffffffff, 0};
  Attempt("capability", setxattr("/tmp/file", "security.capability", all, sizeof(all), 0));
  Attempt("trusted", setxattr("/tmp/file", "trusted.x", "x", 1, 0));
}
