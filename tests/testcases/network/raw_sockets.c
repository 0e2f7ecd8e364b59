// act: opens raw and packet sockets
// expect: refused EPERM|ENOSYS|EACCES|EPROTONOSUPPORT|ESOCKTNOSUPPORT
#include "../act.h"

int main(void) {
  Attempt("raw", socket(AF_INET, SOCK_RAW, 1));
  Attempt("raw everything", socket(AF_INET, SOCK_RAW, 255));
  Attempt("raw v6", socket(AF_INET6, SOCK_RAW, 58));
  Attempt("packet", socket(AF_PACKET, SOCK_RAW, 0x0300));
  Attempt("packet dgram", socket(AF_PACKET, SOCK_DGRAM, 0x0300));
  Attempt("old packet", socket(AF_INET, SOCK_PACKET, 0x0300));
}
