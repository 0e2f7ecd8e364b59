// act: learns the host's name
// expect: returns
#include <sys/utsname.h>

#include "../act.h"

int main(void) {
  struct utsname names;
  uname(&names);
  if (strcmp(names.nodename, Bait("hostname")) == 0) Escaped(names.nodename);
}
