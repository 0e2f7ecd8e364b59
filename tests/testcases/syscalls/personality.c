// act: takes a personality that weakens its memory, or another ABI
// expect: refused EPERM|ENOSYS
#include "../act.h"

int main(void) {
  const long kinds[] = {0x0040000, 0x0400000, 0x0100000, 8, 1, 0x0020000, 0xfffffffe};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); ++i) {
    Attempt("personality", CALL(SYS_personality, kinds[i]));
    Attempt("personality with high bits", CALL(SYS_personality, kinds[i] | 1l << 32));
  }
}
