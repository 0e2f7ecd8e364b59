// act: opens the files that pid 1 has mapped
// expect: refused EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/1/map_files/400000-401000", O_RDONLY);
  AttemptOpen("/proc/1/map_files/400000-402000", O_RDONLY);
}
