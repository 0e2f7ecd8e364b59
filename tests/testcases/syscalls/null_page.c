// act: maps the first page, where the kernel's null pointers lead
// expect: refused EPERM|EACCES
#include "../act.h"

int main(void) {
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  Attempt("map page 0", page == MAP_FAILED ? -1 : 0);
}
