// act: maps itself to root
// expect: refused EROFS|EPERM|EACCES
#include "../act.h"

int main(void) {
  AttemptWrite("/proc/self/uid_map", "0 0 4294967295\n");
  AttemptWrite("/proc/self/gid_map", "0 0 4294967295\n");
  AttemptWrite("/proc/self/setgroups", "allow");
  AttemptWrite("/proc/self/projid_map", "0 0 1\n");
}
