// act: keeps memory in the buffers of sockets
// limits: memory=16M, files=1024
// expect: ends out_of_memory or refused EMFILE|ENOMEM|ENOBUFS
#include "../act.h"

int main(void) {
  for (;;) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) break;
    while (write(ends[1], buffer, sizeof(buffer)) > 0) {
    }
  }
  Attempt("socketpair", -1);
}
