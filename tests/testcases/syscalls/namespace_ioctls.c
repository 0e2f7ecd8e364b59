// act: reaches the parent of its user namespace with an ioctl on the namespace's file
// expect: refused ENOSYS|EPERM
#include "../act.h"

int main(void) {
  const int fd = open("/proc/self/ns/user", O_RDONLY);
  for (long request = 0xb701; request <= 0xb70c; ++request) {
    Attempt("namespace ioctl", CALL(SYS_ioctl, fd, request, buffer));
  }
}
