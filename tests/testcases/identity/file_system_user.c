// act: becomes root for files only
// expect: returns 1000 1000
#include "../act.h"

int main(void) {
  CALL(SYS_setfsuid, 0);
  CALL(SYS_setfsgid, 0);
  // They answer what was before; asked again, what is now.
  printf("%ld %ld\n", CALL(SYS_setfsuid, -1), CALL(SYS_setfsgid, -1));
}
