// act: shares the host's user namespace
// expect: returns
// skip docker: engines map users only if they are told to (userns-remap)
#include "../act.h"

int main(void) {
  char target[64] = "";
  (void)readlink("/proc/self/ns/user", target, sizeof(target) - 1);
  // The initial one has this number on every machine (include/linux/proc_ns.h).
  if (strcmp(target, "user:[4026531837]") == 0) Escaped(target);
}
