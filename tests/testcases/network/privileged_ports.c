// act: listens where others expect a service of the system
// expect: refused EACCES|EADDRNOTAVAIL
// skip docker: in the network namespace of its own the engine gives all ports free
#include <arpa/inet.h>
#include <netinet/in.h>

#include "../act.h"

int main(void) {
  const int ports[] = {22, 80, 443, 1023};
  for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); ++i) {
    struct sockaddr_in address = {AF_INET, htons((uint16_t)ports[i]), {INADDR_ANY}, {0}};
    Attempt("bind", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr*)&address, sizeof(address)));
  }
}
