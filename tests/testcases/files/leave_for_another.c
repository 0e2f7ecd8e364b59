// act: leaves a file in shared memory for the next function
// expect: returns alone
#include "../act.h"

int main(void) {
  int fd = open("/dev/shm/nanogrid-left", O_RDWR | O_CREAT | O_EXCL, 0666);
  if (fd < 0) Escaped("/dev/shm/nanogrid-left was there");
  fd = open("/tmp/nanogrid-left-too", O_RDWR | O_CREAT | O_EXCL, 0666);
  if (fd < 0) Escaped("/tmp/nanogrid-left-too was there");
  puts("alone");
}
