// act: sets socket options that steer traffic past the host's rules
// expect: refused EPERM|ENOPROTOOPT|EOPNOTSUPP|EINVAL|ENODEV|EACCES
#include <netinet/in.h>

#include "../act.h"

int main(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  Attempt("SO_MARK", setsockopt(fd, SOL_SOCKET, 36, &one, sizeof(one)));
  Attempt("SO_BINDTODEVICE", setsockopt(fd, SOL_SOCKET, 25, "eth0", 5));
  Attempt("SO_SNDBUFFORCE", setsockopt(fd, SOL_SOCKET, 32, &one, sizeof(one)));
  Attempt("SO_PRIORITY", setsockopt(fd, SOL_SOCKET, 12, &(int){7}, sizeof(int)));
  Attempt("IP_TRANSPARENT", setsockopt(fd, IPPROTO_IP, 19, &one, sizeof(one)));
  Attempt("iptables", setsockopt(fd, IPPROTO_IP, 64, buffer, 96));
  Attempt("multicast routes", setsockopt(fd, IPPROTO_IP, 200, &one, sizeof(one)));
}
