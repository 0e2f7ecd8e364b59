// act: has a controlling terminal
// expect: refused ENXIO|ENOENT|ENOTTY|EACCES
#include "../act.h"

int main(void) {
  AttemptOpen("/dev/tty", O_RDWR);
  AttemptOpen("/dev/console", O_RDWR);
  char line[1024] = "";
  const int fd = open("/proc/self/stat", O_RDONLY);
  (void)!read(fd, line, sizeof(line) - 1);
  int session = 0, terminal = -1;
  sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %d %d", &session, &terminal);
  if (terminal != 0) Escaped("a terminal");
  if (session > 2) Escaped("a session of somebody else");
}
