// act: opens the master of a pseudo-terminal
// expect: refused ENOENT|EACCES
// skip docker: the engine mounts terminals of the container's own
#include "../act.h"

int main(void) {
  AttemptOpen("/dev/ptmx", O_RDWR | O_NOCTTY);
  AttemptOpen("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
}
