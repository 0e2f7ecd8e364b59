// act: opens a file of the host whose name it knows and that anyone may write
// expect: refused ENOENT
#include "../act.h"

int main(void) {
  const char* file = Bait("file");
  AttemptOpen(file, O_RDONLY);
  AttemptOpen(file, O_WRONLY);
  AttemptOpen(Bait("directory"), O_RDONLY);
}
