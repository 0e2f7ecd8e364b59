// act: keeps memory in the buffers of pipes
// limits: memory=16M, files=1024
// expect: ends out_of_memory or refused EMFILE|EPERM
// expect without-cgroups: ends out_of_memory or refused EMFILE|EPERM
#include "../act.h"

int main(void) {
  for (;;) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0) break;
    while (write(ends[1], buffer, sizeof(buffer)) > 0) {
    }
  }
  Attempt("pipe", -1);
}
