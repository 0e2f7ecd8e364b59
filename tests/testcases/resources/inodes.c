// act: makes empty files until there are no inodes left
// limits: tmp=4M
// expect: refused ENOSPC
#include "../act.h"

int main(void) {
  for (int i = 0; i < 200000; ++i) {
    char path[64];
    snprintf(path, sizeof(path), "/tmp/%d", i);
    const int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) {
      Attempt("inode", -1);
      return 0;
    }
    close(fd);
  }
  Escaped("200000 files");
}
