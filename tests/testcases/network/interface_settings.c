// act: configures interfaces, routes and addresses
// expect: refused EPERM|ENOSYS|EACCES|EAFNOSUPPORT
#include "../act.h"

int main(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const unsigned long requests[] = {0x8914, 0x8916, 0x890b, 0x8922, 0x8923, 0x8946, 0x8955, 0x89a0};
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); ++i) {
    Attempt("ioctl", CALL(SYS_ioctl, fd, requests[i], buffer));
  }
  Attempt("netlink", socket(16, SOCK_RAW, 0));
}
