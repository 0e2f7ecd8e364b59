// act: closes all its streams and goes on
// limits: timeout_ms=300
// expect: ends timeout
#include "../act.h"

int main(void) {
  for (int fd = 0; fd < 3; ++fd) close(fd);
  for (;;) pause();
}
