// act: climbs out with "..", from directories and descriptors
// expect: refused ENOENT
#include "../act.h"

int main(void) {
  char path[4096] = "";
  for (int i = 0; i < 64; ++i) strcat(path, "../");
  strcat(path, "etc/shadow");
  const char* from[] = {"/", "/tmp", "/var/task", "/proc/self", "/dev", "/usr/bin"};
  for (size_t i = 0; i < sizeof(from) / sizeof(*from); ++i) {
    const int directory = open(from[i], O_PATH | O_DIRECTORY);
    Attempt(from[i], openat(directory, path, O_RDONLY));
    close(directory);
  }
}
