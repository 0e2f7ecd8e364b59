// act: maps a shared library for writing
// expect: refused EROFS|EACCES
#include "../act.h"

int main(void) {
  const int fd = open("/usr/bin/env", O_RDONLY);
  void* bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  Attempt("map", bytes == MAP_FAILED ? -1 : 0);
  bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  Attempt("mprotect", mprotect(bytes, 4096, PROT_READ | PROT_WRITE));
}
