// act: locks memory, so that it can never be swapped
// expect: refused ENOMEM|EPERM|EAGAIN
#include "../act.h"

int main(void) {
  char* memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Attempt("mlock", mlock(memory, 8 << 20));
  Attempt("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
  void* locked = mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  Attempt("MAP_LOCKED", locked == MAP_FAILED ? -1 : 0);
}
