// act: reserves more address space than there is
// expect: refused ENOMEM
#include "../act.h"

int main(void) {
  void* memory = mmap(NULL, 1ul << 47, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Attempt("mmap", memory == MAP_FAILED ? -1 : 0);
}
