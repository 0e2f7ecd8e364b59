// act: becomes root for files only
// expect: returns still itself
#include "../act.h"

int main(void) {
  CALL(SYS_setfsuid, 0);
  CALL(SYS_setfsgid, 0);
  // They answer what was before; asked again, what is now.
  const int same = CALL(SYS_setfsuid, -1) == getuid() && CALL(SYS_setfsgid, -1) == getgid();
  puts(same ? "still itself" : "ESCAPED somebody else");
}
