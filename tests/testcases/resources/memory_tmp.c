// act: fills /tmp, whose files are memory, with more than its memory
// limits: memory=24M, tmp=64M
// expect: ends out_of_memory
// skip without-cgroups: only processes are watched; /tmp has its own limit
#include "../act.h"

int main(void) {
  const int fd = open("/tmp/file", O_WRONLY | O_CREAT, 0600);
  while (write(fd, buffer, sizeof(buffer)) > 0) {
  }
  Attempt("no end", -1);
  for (;;) pause();
}
