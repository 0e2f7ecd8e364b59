// act: opens sockets of every family but UNIX and IP
// expect: refused EPERM|ENOSYS|EAFNOSUPPORT
#include "../act.h"

int main(void) {
  for (int family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
    for (int type = 1; type <= 5; ++type) {
      char what[64];
      snprintf(what, sizeof(what), "family %d type %d", family, type);
      Attempt(what, CALL(SYS_socket, family, type, 0));
    }
  }
}
